"""mutations.py: do the tests see the mistakes that people make?

    mutations.py [--record] [--name NAME] [CHAPTER]

tests/mutations/CHAPTER.txt lists mistakes in a chapter's sources: a name, the
file, what is wrong, and the lines as in a diff. What they replace has to stand
in the file once.

    mask-inverted pic.c: Unmasking a line masks it.
    Test: 07-interrupts/pic
    -    masked[line / 8] &= ~(1 << line % 8);
    +    masked[line / 8] |= 1 << line % 8;

Each is built and booted with the chapter's test kernels, those of the chapter
itself first, and if none of them fails the chapter's tests on the host are run,
panics first.
Test names a kernel that sees it, to be tried before the others; make test tries
just that. Equivalent says why nobody can see the mistake; then nobody has to.
"""

import argparse
import collections
import concurrent.futures
import datetime
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import chapters
import mutants

LISTS = chapters.ROOT / "tests/mutations"
RECORD = LISTS / "record.tsv"
SECONDS = 120  # for one kernel; the slowest takes ten
HOST_SECONDS = 900  # for all tests on the host
# Of the tests on the host, those first that see most. Booting from UEFI takes long
# and tells nothing about a chapter's code.
SELECTIONS = ("test_panic", "not test_panic and not uefi")
NO_TESTS = 5  # the status of pytest if none is selected
JOBS = 2
HEAD = re.compile(r"(?P<name>[\w-]+) (?P<file>[\w.]+): (?P<what>.+)")
HEADER = re.compile(r"(Test|Equivalent): (.+)")
LOCK = threading.Lock()
NO_BUILD = "it does not build"
FAILED = re.compile(r"^FAILED (?:tests/)?(\S+?)(?: - .*)?$", re.M)

Mutation = collections.namedtuple(
    "Mutation", "chapter name file what old new test equivalent"
)
# What became of one: who saw it, or None.
Verdict = collections.namedtuple("Verdict", "mutation caught")


class MutationError(Exception):
    """A mistake is not written as it should be, or does not fit the sources."""


def side(lines, sign):
    """The text of a diff before ("-") or after ("+") the change."""
    return "".join(f"{line[1:]}\n" for line in lines if line[0] in f" {sign}")


def read_entry(chapter, entry):
    head, *lines = entry.split("\n")
    parts = HEAD.fullmatch(head)
    if not parts:
        raise MutationError(f"{chapter}: cannot understand: {head}")
    fields = {}
    while lines and HEADER.fullmatch(lines[0]):
        key, text = HEADER.fullmatch(lines.pop(0)).groups()
        fields[key] = text
    if not lines or not all(line[:1] in (" ", "-", "+") and line for line in lines):
        raise MutationError(f"{chapter}: {parts['name']}: no lines of a diff")
    return Mutation(
        chapter, **parts.groupdict(), old=side(lines, "-"), new=side(lines, "+"),
        test=fields.get("Test"), equivalent=fields.get("Equivalent"),
    )  # fmt: skip


def of(chapter):
    """The mistakes in the list of a chapter."""
    text = (LISTS / f"{chapter}.txt").read_text()
    return [read_entry(chapter, entry) for entry in text.strip().split("\n\n")]


def mutant(mutation):
    """The file with the mistake."""
    text = (chapters.directory(mutation.chapter) / mutation.file).read_text()
    if f"\n{text}".count(f"\n{mutation.old}") != 1:
        place = f"{mutation.chapter}/{mutation.file}"
        raise MutationError(f"{mutation.name}: not once in {place}:\n{mutation.old}")
    text = f"\n{text}".replace(f"\n{mutation.old}", f"\n{mutation.new}")[1:]
    return mutants.Mutant(mutation.name, text, mutation.file)


def laboratory(chapter, test):
    """Where the kernel of a test is tried."""
    with LOCK:
        return checked_laboratory(chapter, test)


@functools.cache
def checked_laboratory(chapter, test):
    """The test passes without a mistake."""
    made = mutants.Laboratory(chapter, f"kernel/{test}")
    mutants.check_original(made, "boot.asm")
    return made


def suites(mutation):
    """The test kernels, in the order in which they are tried."""
    places = sorted((chapters.ROOT / "tests/kernel").glob("[0-9]*"))
    known = [path.name for path in places]
    ours = [name for name in known if mutation.chapter in chapters.tested_by(name)]
    first = [mutation.test] if mutation.test else []
    return first + ours[::-1]


def caught_in_kernel(number, mutation):
    """Which test of a kernel sees it, and how, or None."""
    for suite in suites(mutation):
        told = laboratory(mutation.chapter, suite).complaint(
            number, mutant(mutation), SECONDS
        )
        if told:
            return f"{suite}: {told}".replace(": time", ": it hangs")
    return None


def copy_tree(chapter, place):
    """What the tests of a chapter on the host need, in another directory."""
    ignored = shutil.ignore_patterns("__pycache__", "breaks", "mutants", "clang-*")
    for part in ("tests", "common", "build/grub", f"chapters/{chapter}"):
        shutil.copytree(chapters.ROOT / part, place / part, ignore=ignored)
    for part in ("Makefile", "book"):
        (place / part).symlink_to(chapters.ROOT / part)
    rules = place / "common/kernel.mk"
    rules.write_text(rules.read_text().replace("-Wall -Wextra -Werror", "-w"))


def run_on_host(chapter, place, selection):
    """pytest, with the selected tests below PLACE until one fails; how it ended."""
    tests = sorted(str(path) for path in place.glob("tests/test_0*.py"))
    command = [sys.executable, "-m", "pytest", "-xq", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, *tests, "--chapter", chapter, "-k", selection],
        cwd=place, env=chapters.clean_environment(), text=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=HOST_SECONDS,
    )  # fmt: skip


def told_on_host(chapter, done):
    """Which test failed in a run of pytest, or None."""
    if done.returncode in (0, NO_TESTS):
        return None
    if done.returncode < 0:
        return "the tests on the host crash"
    failed = FAILED.search(done.stdout)
    if not failed:
        raise MutationError(f"{chapter}: {done.stdout}{done.stderr}")
    return f"{failed[1]} fails"


def failure_on_host(chapter, changed=None):
    """Which test of a chapter on the host fails with a changed file, or None."""
    with tempfile.TemporaryDirectory(prefix="trapframe-") as name:
        place = Path(name)
        copy_tree(chapter, place)
        if changed:
            (place / "chapters" / chapter / changed.file).write_text(changed.text)
        for selection in SELECTIONS:
            told = told_on_host(chapter, run_on_host(chapter, place, selection))
            if told:
                return told
    return None


@functools.cache
def check_host(chapter):
    """The tests on the host pass without a mistake."""
    told = failure_on_host(chapter)
    if told:
        raise MutationError(f"{chapter}, without a mistake: {told}")


def caught_on_host(mutation):
    """Which test on the host sees it, or None."""
    with LOCK:
        check_host(mutation.chapter)
    return failure_on_host(mutation.chapter, mutant(mutation))


def judge(numbered):
    """Try one; its Verdict."""
    number, mutation = numbered
    caught = caught_in_kernel(number, mutation) or caught_on_host(mutation)
    return Verdict(mutation, caught)


def is_bad(verdict):
    """Should have been caught and was not, or the other way round. What does not
    build is no test."""
    if verdict.caught and verdict.caught.endswith(NO_BUILD):
        return True
    return bool(verdict.caught) == bool(verdict.mutation.equivalent)


def result(verdict):
    if verdict.caught:
        return verdict.caught
    why = verdict.mutation.equivalent
    return f"equivalent: {why}" if why else "SURVIVED"


def row(verdict):
    mutation = verdict.mutation
    return [mutation.chapter, mutation.name, mutation.what, result(verdict)]


def summary(verdicts):
    """Lines of a table: by chapter, how many planted, caught and explained."""
    yield ["chapter", "planted", "caught", "explained"]
    for chapter in sorted({verdict.mutation.chapter for verdict in verdicts}):
        yield [chapter, *counts([v for v in verdicts if v.mutation.chapter == chapter])]
    yield ["all", *counts(verdicts)]


def counts(verdicts):
    caught = sum(bool(verdict.caught) for verdict in verdicts)
    explained = sum(bool(verdict.mutation.equivalent) for verdict in verdicts)
    return [str(number) for number in (len(verdicts), caught, explained)]


def write(path, rows):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join("\t".join(cells) + "\n" for cells in rows))


def chosen_mutations(chapter, name):
    """All, or those of a chapter, or the one of a name."""
    names = [chapters.find(chapter)] if chapter else chapters.names()
    found = [m for each in names for m in of(each) if not name or m.name == name]
    if not found:
        raise MutationError(f"no mutation {name}")
    return found


def try_all(mutations):
    """The verdicts, each told when it is there."""
    verdicts = []
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for verdict in pool.map(judge, enumerate(mutations, 1)):
            chapter, _, what, end = row(verdict)
            print(f"{chapter[:2]}  {what:<58}  {end}", flush=True)
            verdicts.append(verdict)
    return verdicts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--record", action="store_true")
    parser.add_argument("chapter", nargs="?")
    parser.add_argument("--name")
    chosen = parser.parse_args()
    verdicts = try_all(chosen_mutations(chosen.chapter, chosen.name))
    write(chapters.ROOT / "build/mutants.tsv", map(row, verdicts))
    table = list(summary(verdicts))
    print("\n" + "\n".join("  ".join(f"{c:<16}" for c in line) for line in table))
    if chosen.record:
        write(RECORD, [["date", str(datetime.date.today())], *table])
    return 1 if any(map(is_bad, verdicts)) else 0


if __name__ == "__main__":
    os.nice(5)
    sys.exit(main())

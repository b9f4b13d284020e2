"""mutations.py: do the tests see the mistakes that people make?

    mutations.py [--name NAME] [CHAPTER]    tries all, those of a chapter, or one
    mutations.py --record                   tries all, writes record.tsv if all are seen

tests/mutations/CHAPTER.txt lists mistakes in a chapter's sources: a name, the
file, what is wrong, and the lines as in a diff. What they replace has to stand
in the file once.

    mask-inverted pic.c: Unmasking a line masks it.
    Test: 07-interrupts/pic
    -    masked[line / 8] &= ~(1 << line % 8);
    +    masked[line / 8] |= 1 << line % 8;

Each is built and booted with the chapter's test kernels, those of the chapter
itself first, and if none of them fails the chapter's tests on the host are run,
panics first. What fails there has to fail again, and to pass without the mistake.
What saw it when record.tsv was written is tried before all of these.
Test names a kernel that sees it, which make test tries. Equivalent says why nobody
can see the mistake; then nobody has to.
"""

import argparse
import collections
import concurrent.futures
import contextlib
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
import records
import sources

LISTS = chapters.ROOT / "tests/mutations"
RECORD = LISTS / "record.tsv"
SECONDS = 120  # for one kernel; the slowest takes ten
HOST_SECONDS = 900  # for all tests on the host
# Of the tests on the host, those first that see most. Booting from UEFI takes long
# and tells nothing about a chapter's code.
SELECTIONS = ("test_panic", "not test_panic and not uefi")
NO_TESTS = 4, 5  # the status of pytest if one is not there, or none is selected
JOBS = 2
HEAD = re.compile(r"(?P<name>[\w-]+) (?P<file>[\w.]+): (?P<what>.+)")
HEADER = re.compile(r"(Test|Equivalent): (.+)")
LOCK = threading.Lock()
NO_TEST = "no test"
NO_BUILD = "it does not build"
PROGRAMS = "gcc", "NASM", "GNU ld", "GRUB", "QEMU"
FAILED = re.compile(r"^(?:FAILED|ERROR) (?:tests/)?(.+?)(?: - .*)?$", re.M)
CRASHED = re.compile(r"^(?:tests/)?(test_\w+.py::.+?) *\Z", re.M)  # the last begun

Mutation = collections.namedtuple(
    "Mutation", "chapter name file what old new test equivalent"
)
# A test, and what it had to say.
Sight = collections.namedtuple("Sight", "test told")
# What became of one: its Sight, or None; and why it could not be tried, or None.
Verdict = collections.namedtuple("Verdict", "mutation seen trouble", defaults=[None])


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


def seen_by_kernel(number, mutation, suite):
    """The Sight of a test kernel, or None."""
    told = laboratory(mutation.chapter, suite).complaint(
        number, mutant(mutation), SECONDS
    )
    return Sight(suite, told.replace(": time", ": it hangs")) if told else None


def seen_by_kernels(number, mutation):
    """The Sight of the first that sees it, or None."""
    sights = (seen_by_kernel(number, mutation, suite) for suite in suites(mutation))
    return next(filter(None, sights), None)


def copy_tree(chapter, place):
    """What the tests of a chapter on the host need, in another directory."""
    ignored = shutil.ignore_patterns("__pycache__", "breaks", "mutants", "clang-*")
    for part in ("tests", "common", "build/grub", f"chapters/{chapter}"):
        shutil.copytree(chapters.ROOT / part, place / part, ignore=ignored)
    for part in ("Makefile", "book"):
        (place / part).symlink_to(chapters.ROOT / part)
    rules = place / "common/kernel.mk"
    rules.write_text(rules.read_text().replace("-Wall -Wextra -Werror", "-w"))


class Host:
    """A copy of the tests on the host and of a chapter, with or without a mistake."""

    def __init__(self, chapter, place, changed=None):
        self.chapter = chapter
        self.place = place
        copy_tree(chapter, place)
        if changed:
            (place / "chapters" / chapter / changed.file).write_text(changed.text)

    def run(self, *arguments):
        """pytest until a test fails; which one did, or None."""
        command = [sys.executable, "-m", "pytest", "-xvv", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, *arguments, "--chapter", self.chapter], cwd=self.place,
            env=chapters.clean_environment(), text=True, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=HOST_SECONDS,
        )  # fmt: skip
        if done.returncode in (0, *NO_TESTS):
            return None
        failed = (CRASHED if done.returncode < 0 else FAILED).search(done.stdout)
        if not failed:
            raise MutationError(f"{self.chapter}: {done.stdout}{done.stderr}")
        return failed[1]

    def first_failure(self):
        """Which of all tests fails, or None."""
        tests = sorted(str(path) for path in self.place.glob("tests/test_0*.py"))
        failures = (self.run(*tests, "-k", selection) for selection in SELECTIONS)
        return next(filter(None, failures), None)

    def fails(self, test):
        return self.run(self.place / "tests" / test) is not None


@contextlib.contextmanager
def host(chapter, changed=None):
    with tempfile.TemporaryDirectory(prefix="trapframe-") as name:
        yield Host(chapter, Path(name), changed)


@functools.cache
def passes_on_host(chapter, test):
    """Does it, without a mistake?"""
    with host(chapter) as original:
        return not original.fails(test)


def seen_on_host(mutation, test=None):
    """The Sight of a test on the host, or of the first that sees it, or None."""
    with host(mutation.chapter, mutant(mutation)) as spoilt:
        test = test or spoilt.first_failure()
        if not test or not spoilt.fails(test):
            return None
    if not passes_on_host(mutation.chapter, test):
        raise MutationError(f"{mutation.chapter}, without a mistake: {test} fails")
    return Sight(test, "fails")


# ---- All of them


@functools.cache
def recorded():
    """Chapter and name of a mistake, and the test that saw it last."""
    rows = records.read(RECORD)[1] if RECORD.exists() else []
    return {(chapter, name): test for chapter, name, _, test, *_ in rows}


def seen_again(number, mutation):
    """The Sight of the test that saw it last, or None."""
    test = recorded().get((mutation.chapter, mutation.name))
    if test and "::" in test:
        return seen_on_host(mutation, test)
    if test in suites(mutation):
        return seen_by_kernel(number, mutation, test)
    return None


def judge(numbered):
    """Try one; its Verdict."""
    number, mutation = numbered
    try:
        return Verdict(
            mutation,
            seen_again(number, mutation)
            or seen_by_kernels(number, mutation)
            or seen_on_host(mutation),
        )
    except (MutationError, subprocess.TimeoutExpired) as trouble:
        return Verdict(mutation, None, str(trouble))


def is_bad(verdict):
    """Should have been seen and was not, or the other way round, or was not tried.
    What does not build is no test."""
    if verdict.trouble or (verdict.seen and verdict.seen.told == NO_BUILD):
        return True
    return bool(verdict.seen) == bool(verdict.mutation.equivalent)


def row(verdict):
    """Chapter, name, mistake; the test that saw it, and what it told; or why none
    did."""
    mutation, seen, trouble = verdict
    ending = seen or (NO_TEST, trouble or mutation.equivalent or "SURVIVED")
    cells = [mutation.chapter, mutation.name, mutation.what, *ending]
    return [" ".join(cell.split()) for cell in cells]


def summary(verdicts):
    """Lines of a table: by chapter, how many planted, seen and explained."""
    yield ["chapter", "planted", "seen", "explained"]
    for chapter in sorted({verdict.mutation.chapter for verdict in verdicts}):
        yield [chapter, *counts([v for v in verdicts if v.mutation.chapter == chapter])]
    yield ["all", *counts(verdicts)]


def counts(verdicts):
    seen = sum(bool(verdict.seen) for verdict in verdicts)
    explained = sum(bool(verdict.mutation.equivalent) for verdict in verdicts)
    return [str(number) for number in (len(verdicts), seen, explained)]


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
            chapter, _, what, *ending = row(verdict)
            print(f"{chapter[:2]}  {what:<58}  {': '.join(ending)}", flush=True)
            verdicts.append(verdict)
    return verdicts


def record(before, verdicts):
    """Write it down, unless something has changed since BEFORE, while it ran."""
    sources.check_unchanged(before)
    head = records.head(*PROGRAMS) | before
    records.write(RECORD, "make mutants RECORD=1", head, map(row, verdicts))
    print(f"recorded in {RECORD}")


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--record", action="store_true", help="if all are seen")
    parser.add_argument("--name")
    parser.add_argument("chapter", nargs="?")
    chosen = parser.parse_args()
    if chosen.record and (chosen.chapter or chosen.name):
        parser.error("only all of them can be recorded")
    return chosen


def main():
    chosen, before = options(), sources.head()
    verdicts = try_all(chosen_mutations(chosen.chapter, chosen.name))
    for line in summary(verdicts):
        print("  ".join(f"{cell:<16}" for cell in line))
    bad = [verdict.mutation.name for verdict in verdicts if is_bad(verdict)]
    if bad:
        sys.exit(f"not as they should be: {', '.join(bad)}")
    if chosen.record:
        record(before, verdicts)


if __name__ == "__main__":
    os.nice(5)
    main()

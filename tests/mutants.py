"""mutants.py: would the register test see a mistake in isr.asm?

    mutants.py [--all] [CHAPTER]        try mistakes, list those it does not see

Each mutant is a chapter's isr.asm with one mistake. It is linked with the test
kernel of 04-returning/registers.c, and booted: a good test fails. Without --all
some of the many pairs of registers that can be swapped are left out.
"""

import argparse
import collections
import concurrent.futures
import itertools
import os
import random
import re
import shutil
import sys

import chapters
import ktap
import patched
import qemu

TEST = "kernel/04-returning/registers"
FAR = 3  # pairs of registers that are tried beside neighbours
SECONDS = 6  # the test itself takes less than one
PATIENCE = 30  # on a busy machine, with what has to pass
QUIET = 15  # seconds of work without a word: it hangs
FAILED = re.compile(r"^not ok .*\n", re.M)  # no need to wait for the end
COMPILER = "gcc -w"  # tests have to see a mistake, not warnings
REGISTERS = 15
ERROR_CODES = (8, 10, 11, 12, 13, 14, 17, 21, 29, 30)

# A file of a chapter with one mistake.
Mutant = collections.namedtuple("Mutant", "name text file", defaults=["isr.asm"])


class Source:
    """The lines of isr.asm, and how to spoil them."""

    def __init__(self, text):
        self.lines = text.splitlines()
        self.pushes = self.all_of("push", "r")[:REGISTERS]
        self.pops = self.all_of("pop", "r")
        assert len(self.pushes) == len(self.pops) == REGISTERS

    def all_of(self, instruction, operand=""):
        """The numbers of the lines with an instruction."""
        pattern = re.compile(rf"\s*{instruction}\b\s*{operand}")
        return [i for i, line in enumerate(self.lines) if pattern.match(line)]

    def one_of(self, instruction, operand=""):
        [number] = self.all_of(instruction, operand)
        return number

    def with_lines(self, name, changes):
        """A mutant: other text in the lines with these numbers."""
        lines = [changes.get(i, line) for i, line in enumerate(self.lines)]
        return Mutant(name, "\n".join(lines) + "\n")

    def swapped(self, i, j):
        a, b = (" ".join(self.lines[n].split(";")[0].split()) for n in (i, j))
        return self.with_lines(
            f"{a} and {b} swapped", {i: self.lines[j], j: self.lines[i]}
        )

    def dropped(self, i):
        what = " ".join(self.lines[i].split(";")[0].split())
        return self.with_lines(f"{what} dropped", {i: ""})

    def followed(self, i, text):
        what = " ".join(self.lines[i].split(";")[0].split())
        changes = {i: f"{self.lines[i]}\n{text}"}
        return self.with_lines(f"{text} after {what}", changes)

    def replaced(self, i, old, new):
        assert old in self.lines[i]
        return self.with_lines(
            f"{new} for {old}", {i: self.lines[i].replace(old, new)}
        )


def swapped_pairs(source, every):
    """Two pops, or two pushes, that change places: all, or some."""
    for group in (source.pops, source.pushes):
        pairs = list(itertools.combinations(group, 2))
        near = list(itertools.pairwise(group))
        some = near[:: 1 if group is source.pops else 4]
        yield from pairs if every else some + random.Random(1).sample(pairs, FAR)


def other_mistakes(source, every):
    call = source.one_of("call")
    drop = source.one_of("add", "rsp")
    last_pop = source.pops[-1]
    argument = source.one_of("mov", "rdi, rsp")
    yield from map(source.dropped, (source.pops[0], last_pop, source.pushes[0]))
    yield from map(source.dropped, (source.one_of("cld"), argument, drop, call))
    yield from (source.replaced(drop, "2 * 8", f"{n} * 8") for n in (1, 3))
    yield source.replaced(drop, "add", "sub")
    yield source.replaced(source.one_of("iretq"), "iretq", "iretd")
    yield source.replaced(source.one_of("iretq"), "iretq", "retfq")
    yield source.replaced(argument, "mov     rdi, rsp", "lea     rdi, [rsp + 8]")
    yield source.replaced(source.pops[1], "rbx", "rax")
    yield source.followed(last_pop, "or al, 1")
    yield source.followed(last_pop, "xorps xmm0, xmm0")
    yield source.followed(source.one_of("cld"), "std")
    yield source.with_lines(
        "stack misaligned at the call",
        {call: f"sub rsp, 8\n{source.lines[call]}\nadd rsp, 8"},
    )
    yield source.replaced(source.one_of("push", "vector"), "vector", "vector ^ 1")
    for vector in (*ERROR_CODES, 9, 15, 31) if every else (8, 9, 30):
        wrong = f"(HAS_ERROR_CODE ^ 1 << {vector})"
        yield source.replaced(source.one_of("%if"), "HAS_ERROR_CODE", wrong)


def mutants(source, every=False):
    for pair in swapped_pairs(source, every):
        yield source.swapped(*pair)
    yield from other_mistakes(source, every)


class Laboratory:
    """Builds and boots a chapter with other text in a file. The test is that of
    a file of tests, or of all in a directory."""

    def __init__(self, chapter, test=TEST):
        self.chapter = chapter
        self.test = test
        self.sources = chapters.directory(chapter)
        goal = f"build/gcc-O2/tests/{test}.iso"
        chapters.build(chapter, "gcc-O2", goal)
        path = chapters.ROOT / "tests" / test
        self.tests = sorted(path.glob("*.c")) or [path.with_suffix(".c")]
        self.names = sum((ktap.tests_in(file.read_text()) for file in self.tests), [])

    def complaint(self, number, mutant, seconds=SECONDS):
        """What the test has against a mutant, or None."""
        name = f"build/mutants/{os.getpid()}-{number}"
        place = self.sources / name
        shutil.rmtree(place, ignore_errors=True)
        self.copy_to(place, mutant.file)
        (place / mutant.file).write_text(mutant.text)
        try:
            return self.build_and_boot(name, place, seconds)
        finally:
            shutil.rmtree(place)

    def copy_to(self, place, file):
        """The sources, and objects newer than they: make has little to do if no
        header is to change."""
        products = self.sources / "build/gcc-O2"
        objects = list(products.glob("*.[od]"))
        for source in (*self.tests, chapters.ROOT / "tests/kernel/ktap.c"):
            if f"#include <{file}>" in source.read_text():
                continue  # it takes in the file itself
            name = source.relative_to(chapters.ROOT).with_suffix(".o")
            objects.append(products / name)
        for path in [] if file.endswith(".h") else objects:
            copy = place / "build" / path.relative_to(products)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
        self.copy_flags(products / "flags", place)
        for pattern in patched.SOURCES:
            for path in self.sources.glob(pattern):
                shutil.copy2(path, place)

    def copy_flags(self, flags, place):
        """They name compiler and sources; to make, other ones are a reason to
        compile everything."""
        name = place.relative_to(self.sources)
        copy = place / "build/flags"
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = flags.read_text().replace("gcc", COMPILER, 1)
        copy.write_text(text.replace("map=./=", f"map={name}/="))
        shutil.copystat(flags, copy)

    def build_and_boot(self, name, place, seconds):
        image = f"{name}/build/tests/{self.test}.iso"
        variables = {"SRC": name, "BUILD": f"{name}/build", "CC": COMPILER}
        try:
            chapters.make(self.chapter, image, alone=False, **variables)
        except chapters.BuildError:
            return "it does not build"
        with qemu.Machine(
            self.sources / image, *qemu.DEBUG_EXIT, seconds=seconds
        ) as machine:
            ending = machine.run_to_end(
                QUIET, lambda: FAILED.search(machine.serial), ktap.IDLE
            )
            report = ktap.Report(machine.serial, ending)
        return first_failure(report) or report.complaint(self.names)


def first_failure(report):
    failed = [name for name, passed in report.results.items() if not passed]
    return f"{failed[0]} fails" if failed else None


def unseen(laboratory, known, seconds=SECONDS, parts=1, tell=lambda *_: None):
    """The names of those of the numbered mutants that nobody has anything
    against. Others try mutants too if there are PARTS of them."""
    alive = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() // parts or 1) as pool:
        complaints = pool.map(
            lambda one: laboratory.complaint(*one, seconds=seconds), known
        )
        for (_, mutant), complaint in zip(known, complaints):
            tell(mutant, complaint)
            if not complaint:
                alive.append(mutant.name)
    return alive


def check_original(laboratory, file):
    """The test has to pass without a mistake."""
    text = (laboratory.sources / file).read_text()
    told = laboratory.complaint(0, Mutant("the original", text, file), PATIENCE)
    if told:
        raise AssertionError(f"the test fails without a mistake: {told}")


def survivors(chapter, every=False, part=0, parts=1, tell=lambda *_: None):
    """The names of the mutants of isr.asm that nobody has anything against. Of
    several PARTS of all mutants one is tried."""
    laboratory = Laboratory(chapter)
    check_original(laboratory, "isr.asm")
    source = Source((laboratory.sources / "isr.asm").read_text())
    known = list(enumerate(mutants(source, every), 1))[part::parts]
    return unseen(laboratory, known, parts=parts, tell=tell)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("chapter", nargs="?", default="04")
    chosen = parser.parse_args()

    def tell(mutant, complaint):
        print(f"{'SURVIVES' if not complaint else 'seen'}\t{mutant.name}\t{complaint}")

    chapter = chapters.find(chosen.chapter)
    sys.exit(1 if survivors(chapter, chosen.all, tell=tell) else 0)


if __name__ == "__main__":
    main()

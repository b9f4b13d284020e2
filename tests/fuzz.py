#!/usr/bin/env python3
"""fuzz.py: any bytes for whatever in the kernel reads what others wrote.

    fuzz.py [--seconds 20] [--coverage] [HARNESS]

A harness, tests/fuzz/NAME.c, is linked on the host with the kernel's own files, built
with the address and the undefined behavior sanitizer. libFuzzer makes up inputs, from
those in tests/fuzz/corpus/NAME/ on, and what reaches something new is added there. An
input that the harness does not bear is put into build/fuzz/, and the exit status is 1.

Of each harness there are as many programs as there are versions of the files it is made
of: that of the last chapter, and those that earlier ones have.
"""

import argparse
import collections
import re
import shutil
import sys
from pathlib import Path

import chapters

SOURCE = chapters.ROOT / "tests/fuzz"
HOST = SOURCE / "host"
CORPUS = SOURCE / "corpus"
PRODUCTS = chapters.ROOT / "build/fuzz"

# What each harness is made of.
HARNESSES = {
    "backtrace": "backtrace.c symbols.c printf.c string.c",
    "boot_info": "boot_info.c string.c",
    "devices": "keyboard.c scancodes.c serial.c terminal.c",
    "line": "line.c printf.c string.c console.c vga.c",
    "memory_map": "memory_map.c boot_info.c ranges.c frames.c direct_map.c "
    "paging.c string.c",
    "monitor": "monitor.c printf.c string.c",
    "printf": "printf.c string.c",
    "scancodes": "scancodes.c",
    "terminal": "terminal.c",
}
FILES = {name: files.split() for name, files in HARNESSES.items()}
LONGEST = {"memory_map": 4096, "printf": 256}  # bytes of an input; others: 512
STEPS = {"memory_map": 60}  # seconds an input may take; others: 10

COMPILE = "clang -std=gnu17 -O1 -g1 -fno-omit-frame-pointer".split()
COMPILE += "-Wall -Wextra -Werror".split()
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
COVERAGE = "-fprofile-instr-generate -fcoverage-mapping".split()
KERNEL = ["-ffreestanding", "-include", HOST / "names.h"]
DIRECT_MAP = re.compile(r"(#define DIRECT_MAP +)0xffff800000000000ul")
HOST_MAP = "0x200000000000ul"  # host/memory.h

SECONDS = 120  # for a command that does not fuzz

# Of what a program is made: one harness, one chapter's files.
Version = collections.namedtuple("Version", "harness chapter")


class FuzzError(Exception):
    """An input that the kernel does not bear; the text says what was wrong."""


def run(*command, seconds=SECONDS, **options):
    """The command's output. FuzzError if it fails."""
    words = [str(word) for word in command]
    return chapters.run(words, FuzzError, timeout=seconds, **options)


def versions(harness):
    """The last chapter of each run of chapters in which the files are the same."""
    last = {}
    for chapter in chapters.names():
        files = [chapters.directory(chapter) / name for name in FILES[harness]]
        if all(file.exists() for file in files):
            last[tuple(file.read_bytes() for file in files)] = chapter
    return [Version(harness, chapter) for chapter in last.values()]


# ---- Building


class Copy:
    """A chapter's C as it is built for the host: its files, but for cpu.h, and for
    the direct map's address, which has to be one that a program can use."""

    def __init__(self, chapter, place=PRODUCTS):
        self.chapter = chapter
        self.path = place / chapter
        self.flags = []
        self.path.mkdir(parents=True, exist_ok=True)
        for source in chapters.directory(chapter).glob("*.[ch]"):
            own = HOST / source.name if source.name == "cpu.h" else source
            self.write(source.name, own.read_text())

    def write(self, name, text):
        """Files that stay as they were are not touched."""
        if name == "memory.h":
            text, count = DIRECT_MAP.subn(rf"\g<1>{HOST_MAP}", text)
            assert count == 1
        path = self.path / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)

    def change(self, name, old, new):
        text = (chapters.directory(self.chapter) / name).read_text()
        assert text.count(old) == 1, (name, old)
        self.write(name, text.replace(old, new))

    def twin(self, harness, place):
        """A copy of the copy, to be changed, with what has been built."""
        self.program(harness)
        place = place / self.chapter
        shutil.copytree(self.path, place, ignore=shutil.ignore_patterns("fuzz-*"))
        return Copy(self.chapter, place.parent)

    def restore(self, name):
        self.write(name, (chapters.directory(self.chapter) / name).read_text())

    def compile(self, source, name, *flags):
        """The object of a source, made anew if anything is newer than it."""
        product = self.path / f"{name}.o"
        used = [source, *self.path.glob("*.h"), *HOST.glob("*.h")]
        newest = max(path.stat().st_mtime_ns for path in used)
        if not product.exists() or product.stat().st_mtime_ns < newest:
            instrument = ["-fsanitize=fuzzer-no-link", *SANITIZE, *self.flags]
            command = [*COMPILE, *instrument, "-iquote", self.path, *flags]
            run(*command, "-c", source, "-o", product)
        return product

    def objects(self, harness):
        number = int(self.chapter.split("-")[0])
        for name in FILES[harness]:
            yield self.compile(self.path / name, name, *KERNEL)
        for source in sorted(HOST.glob("*.c")):
            yield self.compile(source, f"host-{source.name}")
        source = SOURCE / f"{harness}.c"
        yield self.compile(source, f"harness-{harness}", f"-DCHAPTER={number}")

    def program(self, harness):
        """A harness's program, linked if one of its objects is newer than it."""
        product = self.path / f"fuzz-{harness}"
        objects = list(self.objects(harness))
        newest = max(path.stat().st_mtime_ns for path in objects)
        if not product.exists() or product.stat().st_mtime_ns < newest:
            link = ["clang", "-fsanitize=fuzzer", *SANITIZE, *self.flags]
            run(*link, *objects, "-o", product)
        return product


# ---- Running


def limits(harness):
    longest, step = LONGEST.get(harness, 512), STEPS.get(harness, 10)
    return [f"-max_len={longest}", f"-timeout={step}", "-rss_limit_mb=2048"]


def replay(harness, program, corpus=None):
    """Run a program on what is kept for it. FuzzError if it fails."""
    corpus = corpus or CORPUS / harness
    where = f"-artifact_prefix={program.parent}/"
    said = run(program, "-runs=0", *limits(harness), where, corpus)
    assert f"{len(list(corpus.iterdir()))} files found" in said, said


def fuzz(harness, program, seconds, corpus=None):
    """Look for new inputs. What libFuzzer says; FuzzError if it finds a fault."""
    found = program.parent / f"found-{harness}"
    found.mkdir(exist_ok=True)
    where = f"-artifact_prefix={program.parent}/{harness}-"
    options = [f"-max_total_time={seconds}", "-use_value_profile=1", where]
    options += ["-print_final_stats=1", *limits(harness)]
    corpus = corpus or CORPUS / harness
    corpus.mkdir(parents=True, exist_ok=True)
    return run(program, *options, found, corpus, seconds=seconds + SECONDS)


def keep(harness, program):
    """Add the inputs that reach something new to those that are kept, and forget the
    others. The number of new ones."""
    found = program.parent / f"found-{harness}"
    before = len(list((CORPUS / harness).iterdir()))
    merge = ["-merge=1", "-use_counters=0", *limits(harness)]
    run(program, *merge, CORPUS / harness, found, seconds=10 * SECONDS)
    shutil.rmtree(found)
    return len(list((CORPUS / harness).iterdir())) - before


def figures(said):
    """How many inputs have been tried, and how many edges were reached."""
    tried = re.search(r"stat::number_of_executed_units: *(\d+)", said)
    edges = re.findall(r"\bcov: (\d+)", said)
    return f"{tried[1]} inputs, {edges[-1]} edges"


def fuzz_version(version, seconds):
    program = Copy(version.chapter).program(version.harness)
    told = figures(fuzz(version.harness, program, seconds))
    new = keep(version.harness, program)
    print(f"{version.harness}, {version.chapter}: {told}, {new} kept", flush=True)


def beside_clang(name):
    """The program of that name which is of clang's version."""
    return run("clang", f"-print-prog-name={name}").strip()


def coverage(version):
    """Which part of the kernel's files the corpus reaches, as llvm-cov tells it."""
    copy = Copy(version.chapter, PRODUCTS / "coverage")
    copy.flags = COVERAGE
    program = copy.program(version.harness)
    raw, data = copy.path / "raw", copy.path / "data"
    command = [program, "-runs=0", CORPUS / version.harness]
    run(*command, env={"LLVM_PROFILE_FILE": str(raw)})
    run(beside_clang("llvm-profdata"), "merge", raw, "-o", data)
    report = [beside_clang("llvm-cov"), "report", program, f"-instr-profile={data}"]
    files = [copy.path / name for name in FILES[version.harness]]
    return run(*report, *files)


def options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("harness", nargs="*", help=", ".join(HARNESSES))
    chosen = parser.parse_args(arguments)
    for name in chosen.harness:
        if name not in HARNESSES:
            parser.error(f"no {name}; there are: {', '.join(HARNESSES)}")
    return chosen


def main(arguments):
    chosen = options(arguments)
    failed = False
    for harness in chosen.harness or HARNESSES:
        for version in versions(harness):
            try:
                if chosen.coverage:
                    print(coverage(version))
                else:
                    fuzz_version(version, chosen.seconds)
            except FuzzError as error:
                failed = True
                print(f"{version.harness}, {version.chapter}:\n{error}")
    sys.exit(failed)


if __name__ == "__main__":
    main(sys.argv[1:])

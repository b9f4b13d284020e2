"""instrumented.py: the test kernels, with checks compiled into kernel and tests.

    instrumented.py [--clang] [CHAPTER...]      runs all tests of these chapters

tests/instrumented/kernel.mk says what is checked: undefined behavior, the stack's
arrays, and with gcc each access to the heap. A kernel that does something wrong says so
and ends; so it fails. The exit status is 1 if any did.
"""

import argparse
import re
import sys

import chapters
import ktap

FIRST = "03-exceptions"  # a kernel that knows the names of its functions
FOUND = re.compile(r"^# found: (.*)$", re.M)
SECONDS = 120  # a busy host is slow

HEAP = "08-heap"  # the first chapter that has one
COUNTING = "05-paging"  # its tests count all frames, of which the heap's checker has some


def has_heap_checked(chapter, image, compiler):
    """Clang's checks of addresses ask for another runtime than the one we have."""
    counts = COUNTING in image.split("/")
    return compiler == "gcc" and chapter in chapters.since(HEAP) and not counts


def build(chapter, image, compiler="gcc"):
    """Make an image, its path below tests/ without .iso; where it is."""
    checks, products = "undefined stack", f"build/instrumented-{compiler}"
    if has_heap_checked(chapter, image, compiler):
        checks, products = f"{checks} heap", f"{products}-heap"
    makefile = chapters.ROOT / "tests/instrumented/kernel.mk"
    goal, variables = f"{products}/tests/{image}.iso", {"CHECKS": checks}
    variables |= {"CC": compiler, "BUILD": products}
    chapters.make(chapter, "-f", makefile, goal, **variables)
    return chapters.directory(chapter) / goal


def suites(chapter):
    """The directories of tests/kernel/ that are for a chapter."""
    directories = sorted((chapters.ROOT / "tests/kernel").glob("[0-9]*/"))
    names = [path.name for path in directories]
    return [name for name in names if chapter in chapters.tested_by(name)]


def names_in(suite):
    """The names of a suite's tests."""
    sources = (chapters.ROOT / "tests/kernel" / suite).glob("*.c")
    return [name for path in sources for name in ktap.tests_in(path.read_text())]


def run(chapter, image, compiler="gcc"):
    """Boot it; what was found, the report, and all there is to know."""
    report, everything = ktap.run(build(chapter, image, compiler), seconds=SECONDS)
    return FOUND.findall(report.serial), report, everything


def complaint(chapter, suite, compiler="gcc", again=True):
    """What is wrong with a run of a suite; None if nothing is. A busy host may make
    a test of the clock fail: it has a second chance, as in conftest.py."""
    found, report, everything = run(chapter, f"kernel/{suite}", compiler)
    failed = [name for name, passed in report.results.items() if not passed]
    wrong = report.complaint(names_in(suite))
    if not wrong and not failed:
        return None
    if not wrong and again:
        return complaint(chapter, suite, compiler, again=False)
    return f"{', '.join(found) or wrong or ', '.join(failed)}\n{everything}"


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clang", action="store_true")
    parser.add_argument("chapters", nargs="*")
    chosen = parser.parse_args(arguments)
    compiler, failed = "clang" if chosen.clang else "gcc", 0
    wanted = [chapters.find(name) for name in chosen.chapters]
    for chapter in wanted or chapters.since(FIRST):
        for suite in suites(chapter):
            wrong = complaint(chapter, suite, compiler)
            print(f"{chapter:18} {suite:18} {wrong or 'pass'}", flush=True)
            failed += wrong is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

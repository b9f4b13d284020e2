"""instrumented.py: the test kernels, with checks compiled into kernel and tests.

    instrumented.py [--clang] [CHAPTER...]      runs all tests of these chapters

tests/instrumented/kernel.mk says what is checked: undefined behavior, the stack's
arrays, and with gcc each access to the heap. A kernel that does something wrong says
so and ends; so it fails. The exit status is 1 if any did.
"""

import argparse
import re
import sys

import chapters
import ktap

FIRST = "03-exceptions"  # a kernel that knows the names of its functions
FOUND = re.compile(r"^# found: (.*)$", re.M)


def build(chapter, goal, compiler="gcc"):
    """Make a product, and what else the goal asks for; where products are."""
    products = f"build/instrumented-{compiler}"
    goal = goal.replace("$(BUILD)", products)
    makefile = chapters.ROOT / "tests/instrumented/kernel.mk"
    chapters.make(chapter, "-f", makefile, goal, CC=compiler, BUILD=products)
    return chapters.directory(chapter) / products


def suites(chapter):
    """The directories of tests/kernel/ that are for a chapter."""
    directories = sorted((chapters.ROOT / "tests/kernel").glob("[0-9]*/"))
    names = [path.name for path in directories]
    return [name for name in names if chapter in chapters.tested_by(name)]


def names_in(suite):
    """The names of a suite's tests."""
    sources = (chapters.ROOT / "tests/kernel" / suite).glob("*.c")
    return [name for path in sources for name in ktap.tests_in(path.read_text())]


def complaint(chapter, suite, compiler="gcc"):
    """What is wrong with a run of a suite; None if nothing is."""
    goal = f"$(BUILD)/tests/kernel/{suite}.iso"
    products = build(chapter, goal, compiler)
    report, everything = ktap.run(products / f"tests/kernel/{suite}.iso", seconds=60)
    wrong = report.complaint(names_in(suite))
    if not wrong and all(report.results.values()):
        return None
    return f"{', '.join(FOUND.findall(report.serial)) or wrong}\n{everything}"


def found(chapter, source):
    """What a test kernel with a mistake, a path below tests/, is found to do."""
    image = f"tests/{source.removesuffix('.c')}.iso"
    report, everything = ktap.run(build(chapter, f"$(BUILD)/{image}") / image)
    return FOUND.findall(report.serial), everything


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

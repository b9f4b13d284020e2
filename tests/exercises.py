"""exercises.py: does a chapter, as it is now, solve an exercise?

    exercises.py CHAPTER NAME

An exercise is a directory tests/exercises/CHAPTER/NAME with

    check.c         tests that run inside the kernel, as in tests/kernel/
    check.py        functions check_WHAT(boot) that look at it from outside;
                    boot(*flags, **options) is a qemu.Machine with the kernel
    solution.patch  a solution, against the chapter's directory

It may lack one of the checks, not both. A check fails on the chapter as it is
and passes on the chapter with the solution; make test proves it.
"""

import functools
import importlib.util
import sys
import traceback

import chapters
import ktap
import patched
import qemu


class ExerciseError(Exception):
    """There is no such exercise, or it is not complete."""


class Result:
    """What a check found: its name, whether it passed, and what it said."""

    def __init__(self, name, passed, notes=""):
        self.name = name
        self.passed = passed
        self.notes = notes


class Exercise:
    def __init__(self, path):
        self.chapter = path.parent.name
        self.name = path.name
        self.path = path
        self.solution = path / "solution.patch"
        self.c = path / "check.c"
        self.python = path / "check.py"
        if not self.solution.exists():
            raise ExerciseError(f"{path}: no solution.patch")
        if not self.c.exists() and not self.python.exists():
            raise ExerciseError(f"{path}: no check.c and no check.py")

    def images(self):
        """What a check boots, below the build directory."""
        test = f"tests/exercises/{self.chapter}/{self.name}/check.iso"
        return [test] * self.c.exists() + ["kernel.iso"] * self.python.exists()

    def check(self, make, products):
        """Build with MAKE(*goals), boot what is then in PRODUCTS; Results, as
        they come."""
        try:
            make(*(f"$(BUILD)/{image}" for image in self.images()))
        except chapters.BuildError as error:
            yield Result("the kernel builds", False, str(error))
            return
        if self.c.exists():
            yield from self._check_inside(products / self.images()[0])
        if self.python.exists():
            yield from self._check_outside(products / "kernel.iso")

    def _check_inside(self, image):
        names = ktap.tests_in(self.c.read_text())
        report, everything = ktap.run(image)
        for name in names:
            notes = "\n".join(report.notes.get(name, ()))
            yield Result(name, report.results.get(name, False), notes)
        complaint = report.complaint(names)
        if complaint:
            yield Result("the tests come to their end", False, everything)

    def _check_outside(self, image):
        boot = functools.partial(qemu.Machine, image)
        for name, function in load(self.python).items():
            try:
                function(boot)
                yield Result(name, True)
            except (AssertionError, qemu.MachineError) as error:
                yield Result(name, False, str(error) or failed_line(error))


def failed_line(error):
    """The source line of an assertion that says nothing itself."""
    return traceback.extract_tb(error.__traceback__)[-1].line


def load(path):
    """The check functions of a check.py, by name, in their order."""
    spec = importlib.util.spec_from_file_location(path.parent.name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = vars(module).items()
    return {n[6:]: f for n, f in found if n.startswith("check_") and callable(f)}


def solved(results):
    """Are there results, and is each good? Looks no further than the first bad."""
    some = False
    for result in results:
        if not result.passed:
            return False
        some = True
    return some


def names(chapter):
    """The names of the exercises of a chapter."""
    directory = chapters.ROOT / "tests/exercises" / chapter
    return sorted(path.parent.name for path in directory.glob("*/solution.patch"))


def find(chapter, name):
    """The exercise called NAME; ExerciseError lists those there are."""
    if name not in names(chapter):
        known = ", ".join(names(chapter)) or "none"
        asked = f"no exercise {name}" if name else "say which: EXERCISE=name"
        raise ExerciseError(f"{asked}; {chapter} has: {known}")
    return Exercise(chapters.ROOT / "tests/exercises" / chapter / name)


def check_chapter(exercise, build="build", environment=None):
    """The Results for the chapter as it is."""
    directory = chapters.directory(exercise.chapter) / build

    def make(*goals):
        goals = [goal.replace("$(BUILD)", build) for goal in goals]
        chapters.make(exercise.chapter, *goals, environment=environment, BUILD=build)

    return exercise.check(make, directory)


def check_solution(exercise):
    """The Results for the chapter with the solution applied."""
    place = f"exercises/{exercise.name}"
    copy = patched.Copy(exercise.chapter, exercise.solution.resolve(), place)
    return exercise.check(copy.make, copy.path / "build")


# The command line: `make check EXERCISE=NAME`


def tell(result):
    print("ok    " if result.passed else "not ok", result.name)
    for line in result.notes.splitlines():
        print(f"        {line}".rstrip())


def main(chapter, name):
    try:
        exercise = find(chapters.find(chapter), name)
    except (ExerciseError, KeyError) as error:
        sys.exit(str(error.args[0]))
    results = []
    for result in check_chapter(exercise, environment=patched.make_environment()):
        tell(result)
        results.append(result)
    print("Solved." if solved(results) else "Not solved yet.")
    return 0 if solved(results) else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: exercises.py CHAPTER NAME")
    sys.exit(main(*sys.argv[1:]))

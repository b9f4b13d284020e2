"""conftest.py: what pytest runs besides Python functions.

Each TEST of tests/kernel/NN-name/*.c is an item for every chapter from NN-name
on (of NN-MM-name/*.c: up to MM) and every toolchain, named as in

    02-vga gcc-O2 01-boot/entry.c::stack_is_aligned

The files of a directory are booted together, when the first of their tests is
run. If anything at all is wrong then, each file is booted alone.
"""

import functools
import signal

import pytest

import breaks
import browser as chromium
import chapters
import exercises
import ktap
import patched
import qemu
import transcripts

try:
    from xdist.scheduler import LoadScopeScheduling
except ImportError:  # one test after the other, then
    LoadScopeScheduling = object

SECONDS = 300  # for one test; each boot and each command has its own limit


def pytest_addoption(parser):
    parser.addoption("--chapter", help="only what tests this chapter (02, 02-vga)")


def pytest_configure(config):
    wanted = config.getoption("--chapter")
    try:
        config.chapter = chapters.find(wanted) if wanted else None
    except KeyError as error:
        raise pytest.UsageError(error.args[0]) from None


def pytest_collect_file(parent, file_path):
    if not file_path.is_relative_to(chapters.ROOT / "tests"):
        return None
    kind = file_path.relative_to(chapters.ROOT / "tests").parts[0]
    if kind == "kernel" and file_path.suffix == ".c":
        if file_path.parent.name != kind:  # ktap.c is no test
            return TestSource.from_parent(parent, path=file_path)
    if kind == "breaks" and file_path.suffix == ".patch":
        return BreakFile.from_parent(parent, path=file_path)
    if kind == "exercises" and file_path.name == "solution.patch":
        return ExerciseFile.from_parent(parent, path=file_path)
    if kind == "transcripts.py":
        return Book.from_parent(parent, path=file_path)
    return None


@pytest.fixture(scope="session")
def browser():
    with chromium.Browser() as started:
        yield started


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return Scheduler(config, log)


class Scheduler(LoadScopeScheduling):
    """Gives the tests that share a boot, and the transcripts of one page, to
    one worker, and other tests to whoever is free."""

    def _split_scope(self, nodeid):
        file = nodeid.split("::")[0]
        if file.endswith(".c"):
            return file.split("/")[0]
        return file if file.startswith("book/") else nodeid


def pytest_generate_tests(metafunc):
    """A test that takes `chapter` runs for each chapter its marker names."""
    if "chapter" not in metafunc.fixturenames:
        return
    for marker in metafunc.definition.iter_markers():
        if marker.name == "since":
            metafunc.parametrize("chapter", chapters.since(marker.args[0]))
        elif marker.name == "only":
            metafunc.parametrize("chapter", marker.args)


def pytest_collection_modifyitems(config, items):
    """With --chapter keep what tests that chapter, whatever its kind."""
    if not config.chapter:
        return
    kept = [item for item in items if chapter_of(item) == config.chapter]
    config.hook.pytest_deselected(items=[i for i in items if i not in kept])
    items[:] = kept


def chapter_of(item):
    if hasattr(item, "chapter"):
        return item.chapter
    if hasattr(item, "callspec"):
        return item.callspec.params.get("chapter")
    return None


class Failure(Exception):
    """A test failed; the text says it all."""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call():
    """No test goes on for ever, whatever its own limits do."""

    def too_late(*_):
        raise Failure(f"took longer than {SECONDS} s")

    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)


TOLD = (
    Failure,
    breaks.BreakError,
    chapters.BuildError,
    exercises.ExerciseError,
    patched.PatchError,
    qemu.MachineError,
    transcripts.TranscriptError,
)


class Item(pytest.Item):
    """An item whose failures are told by their text alone."""

    def repr_failure(self, error):
        if isinstance(error.value, TOLD):
            return str(error.value)
        return super().repr_failure(error)

    def reportinfo(self):
        return self.path, 0, self.name


class TestSource(pytest.File):
    """A file of tests: one boot for each chapter and toolchain."""

    def collect(self):
        names = ktap.tests_in(self.path.read_text())
        if not names:
            raise self.CollectError(f"no TEST(...) in {self.path}")
        for chapter in chapters.tested_by(self.path.parent.name):
            for toolchain in chapters.TOOLCHAINS:
                boot = Boot(chapter, toolchain, self.path, names)
                for name in names:
                    title = f"{chapter} {toolchain} {boot.source}::{name}"
                    yield KernelTest.from_parent(
                        self, name=title, nodeid=title, boot=boot, test=name
                    )


@functools.cache
def suite_passes(chapter, toolchain, suite):
    """Is all well with a kernel made of all files of tests/kernel/SUITE?"""
    try:
        products = chapters.build(chapter, toolchain, "kernel-tests")
    except chapters.BuildError:
        return False
    names = []
    for path in (chapters.ROOT / "tests/kernel" / suite).glob("*.c"):
        names += ktap.tests_in(path.read_text())
    report, _ = ktap.run(products / f"tests/kernel/{suite}.iso")
    return not report.complaint(names) and all(report.results.values())


class Boot:
    """One test kernel, booted when its report is first asked for."""

    def __init__(self, chapter, toolchain, path, names):
        self.chapter = chapter
        self.toolchain = toolchain
        self.suite = path.parent.name
        self.source = f"{self.suite}/{path.name}"
        self.names = names
        self.result = None

    def passed_in_its_suite(self):
        return suite_passes(self.chapter, self.toolchain, self.suite)

    def report(self):
        if not self.result:
            image = f"tests/kernel/{self.source[:-2]}.iso"
            goal = f"build/{self.toolchain}/{image}"
            products = chapters.build(self.chapter, self.toolchain, goal)
            self.result = ktap.run(products / image)
        return self.result


class KernelTest(Item):
    """One TEST of a test kernel."""

    def __init__(self, *, boot, test, **arguments):
        super().__init__(**arguments)
        self.boot = boot
        self.chapter = boot.chapter
        self.test = test

    def runtest(self):
        if self.boot.passed_in_its_suite():
            return
        report, everything = self.boot.report()
        if report.results.get(self.test) is False:
            raise Failure("\n".join(report.notes[self.test]))
        complaint = report.complaint(self.boot.names)
        if self.test not in report.results:
            raise Failure(f"not reached: {complaint}\n{everything}")
        if complaint and set(report.results) == set(self.boot.names):
            raise Failure(f"{complaint}\n{everything}")
        if complaint:
            raise Failure(f"passed, but {complaint}; see the tests not reached")


class BreakFile(pytest.File):
    """A break: tests/breaks/NN-name/NAME.patch."""

    def collect(self):
        title = f"break {self.path.parent.name}/{self.path.stem}"
        yield BreakTest.from_parent(self, name=title, nodeid=title)


class BreakTest(Item):
    """The break fails as it says, and the chapter itself does not."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.chapter = self.path.parent.name

    def runtest(self):
        broken = breaks.Break(self.path)
        outcome, _ = breaks.try_break(broken)
        unmet = broken.unmet(outcome)
        if unmet:
            raise Failure(f"unmet: {'; '.join(unmet)}\n{self.told(outcome)}")
        whole = breaks.try_whole(broken)
        if not broken.unmet(whole):
            told = self.told(whole)
            raise Failure(f"the chapter itself does what the break does\n{told}")

    def told(self, outcome):
        parts = [f"ending: {outcome.ending}"]
        for part in ("build", "serial", "screen", "log"):
            parts += [f"--- {part}:", getattr(outcome, part)]
        return "\n".join(parts)


class ExerciseFile(pytest.File):
    """An exercise: tests/exercises/NN-name/NAME/."""

    def collect(self):
        directory = self.path.parent
        title = f"exercise {directory.parent.name}/{directory.name}"
        yield ExerciseTest.from_parent(self, name=title, nodeid=title)


class ExerciseTest(Item):
    """The check passes with the solution, and does not without it."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.chapter = self.path.parent.parent.name

    def runtest(self):
        exercise = exercises.Exercise(self.path.parent)
        results = list(exercises.check_solution(exercise))
        if not exercises.solved(results):
            bad = [f"{r.name}\n{r.notes}" for r in results if not r.passed]
            raise Failure("the solution does not pass:\n" + "\n".join(bad))
        if exercises.solved(exercises.check_chapter(exercise, "build/gcc-O2")):
            raise Failure("the chapter passes without the solution")


class Book(pytest.File):
    """The transcripts in the pages of the book."""

    def collect(self):
        for page in transcripts.pages():
            for block in transcripts.blocks(page):
                first = next(iter(block.lines), "")
                title = f"book/{page.name}::line {block.line}: {first}"
                yield Transcript.from_parent(
                    self, name=title, nodeid=title, block=block
                )


class Transcript(Item):
    """One transcript is what the machine says today."""

    def __init__(self, *, block, **arguments):
        super().__init__(**arguments)
        self.block = block
        self.chapter = block.chapter

    def runtest(self):
        told = transcripts.difference(self.block)
        if told:
            raise Failure(f"{told}\nIf the machine is right: make transcripts")

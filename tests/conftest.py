"""conftest.py: what pytest runs besides Python functions.

Each TEST of tests/kernel/NN-name/*.c is an item for every chapter from NN-name
on and every toolchain, named as in

    02-vga gcc-O2 01-boot/entry.c::stack_is_aligned

A test kernel is booted when the first of its tests is run, and only once.
"""

import pytest

import chapters
import ktap
import qemu

try:
    from xdist.scheduler import LoadScopeScheduling
except ImportError:  # one test after the other, then
    LoadScopeScheduling = object


def pytest_addoption(parser):
    parser.addoption("--chapter", help="only what tests this chapter (02, 02-vga)")


def pytest_configure(config):
    wanted = config.getoption("--chapter")
    try:
        config.chapter = chapters.find(wanted) if wanted else None
    except KeyError as error:
        raise pytest.UsageError(error.args[0]) from None


def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".c" and file_path.parent.parent.name == "kernel":
        return TestSource.from_parent(parent, path=file_path)


def pytest_xdist_make_scheduler(config, log):
    return Scheduler(config, log)


class Scheduler(LoadScopeScheduling):
    """Gives all tests of one boot to one worker, others to whoever is free."""

    def _split_scope(self, nodeid):
        return nodeid.split("::")[0] if ".c::" in nodeid else nodeid


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


class Item(pytest.Item):
    """An item whose failures are told by their text alone."""

    def repr_failure(self, error):
        if isinstance(error.value, (Failure, chapters.BuildError, qemu.MachineError)):
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
        for chapter in chapters.since(self.path.parent.name):
            for toolchain in chapters.TOOLCHAINS:
                boot = Boot(chapter, toolchain, self.path, names)
                for name in names:
                    title = f"{chapter} {toolchain} {boot.source}::{name}"
                    yield KernelTest.from_parent(
                        self, name=title, nodeid=title, boot=boot, test=name
                    )


class Boot:
    """One test kernel, booted when its report is first asked for."""

    def __init__(self, chapter, toolchain, path, names):
        self.chapter = chapter
        self.toolchain = toolchain
        self.source = f"{path.parent.name}/{path.name}"
        self.names = names
        self.result = None

    def report(self):
        if not self.result:
            products = chapters.build(self.chapter, self.toolchain, "kernel-tests")
            image = (products / "tests/kernel" / self.source).with_suffix(".iso")
            self.result = ktap.run(image)
        return self.result


class KernelTest(Item):
    """One TEST of a test kernel."""

    def __init__(self, *, boot, test, **arguments):
        super().__init__(**arguments)
        self.boot = boot
        self.chapter = boot.chapter
        self.test = test

    def runtest(self):
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

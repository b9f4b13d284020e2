"""test_harness.py: the harness itself must fail when a kernel misbehaves.

The kernels in tests/harness/ each go wrong in one way.
"""

import re
import time
from types import SimpleNamespace

import pytest

import chapters
import conftest
import ktap
from qemu import Ending

KERNELS = {path.stem: path for path in (chapters.ROOT / "tests/harness").glob("*.c")}


@pytest.fixture(scope="module")
def kernels():
    """The directory with one image for each file in tests/harness/."""
    images = [f"build/gcc-O2/tests/harness/{name}.iso" for name in KERNELS]
    chapters.make("01-boot", *images, BUILD="build/gcc-O2")
    return chapters.directory("01-boot") / "build/gcc-O2/tests/harness"


@pytest.fixture
def boot(kernels):
    """Boots a kernel by name, as conftest.Boot does: names and report()."""

    def boot(name, seconds=10):
        result = ktap.run(kernels / f"{name}.iso", seconds=seconds)
        names = ktap.tests_in(KERNELS[name].read_text())
        return SimpleNamespace(
            names=names, report=lambda: result, passed_in_its_suite=lambda: False
        )

    return boot


def verdict(boot, test):
    """None if the item of TEST passes, or the text of its failure."""
    try:
        conftest.KernelTest.runtest(SimpleNamespace(boot=boot, test=test))
    except conftest.Failure as failure:
        return str(failure)


def test_success_passes(boot):
    kernel = boot("passes")
    assert kernel.report()[0].ending == Ending("exit", 33)
    assert verdict(kernel, "first") is None
    assert verdict(kernel, "second") is None


def test_failure_fails_alone_and_says_why(boot):
    kernel = boot("fails")
    assert kernel.report()[0].ending == Ending("exit", 35)
    assert verdict(kernel, "good") is None
    told = verdict(kernel, "bad")
    assert "fails.c:12: 1 + 1 == 3\n#   left 0x2, right 0x3" in told
    assert "fails.c:13: 0 > 1" in told


def test_many_failures_stay_readable(boot):
    told = verdict(boot("floods"), "loop")
    assert "left 0x0, right 0xffffffffffffffff" in told
    assert len(told.splitlines()) < 20


def test_crash_fails_with_the_log(boot):
    told = verdict(boot("crashes"), "crash")
    assert told.startswith("not reached: the kernel did not come to its end: reset")
    assert "v=06" in told and "Triple fault" in told


def test_hang_fails_at_the_time_limit(boot):
    told = verdict(boot("hangs", seconds=2), "endless")
    assert "did not come to its end: time" in told


def test_halt_fails_at_once(boot):
    told = verdict(boot("halts"), "halt")
    assert "did not come to its end: halted" in told
    assert float(re.search(r"\(after ([0-9.]+) s\)", told)[1]) < 9


def test_early_exit_fails(boot):
    assert "tests that ran are not" in verdict(boot("leaves"), "leave")


def test_wrong_status_fails(boot):
    assert "exit status 35, not 33" in verdict(boot("lies"), "lie")


def test_status_0_fails(boot):
    assert "exit status 0, not 33" in verdict(boot("turns_off"), "lie")


def test_hidden_test_fails(boot):
    assert "plan is not the 1..1" in verdict(boot("hides"), "shown")


def test_lost_test_fails(boot):
    kernel = boot("loses")
    assert "plan is not the 1..2" in verdict(kernel, "kept")
    assert "not reached" in verdict(kernel, "lost")


@pytest.mark.parametrize(
    "serial",
    [
        "1..1\nok 1 test\n",
        "KTAP version 1\nok 1 test\n",
        "KTAP version 1\n1..1\n",
        "KTAP version 1\n1..1\nok 1 other\n",
        "KTAP version 1\n1..1\nok 1 test\nok 2 more\n",
        "KTAP version 1\n1..1\nnot ok 1 test\n",
    ],
)
def test_incomplete_reports_are_told(serial):
    report = ktap.Report(serial, Ending("exit", 33))
    assert report.complaint(["test"])


def test_complete_report_is_fine():
    report = ktap.Report("KTAP version 1\n1..1\nok 1 test\n", Ending("exit", 33))
    assert report.complaint(["test"]) is None


def test_test_without_end_fails(monkeypatch):
    monkeypatch.setattr(conftest, "SECONDS", 1)
    guard = conftest.pytest_runtest_call()
    next(guard)
    with pytest.raises(conftest.Failure, match="took longer than 1 s"):
        time.sleep(10)
    with pytest.raises(StopIteration):
        next(guard)


# Files that are booted together


def suite_of(tmp_path, monkeypatch, serial, ending):
    """What suite_passes says if the kernel of two files says SERIAL."""
    for name in ("one", "two"):
        path = tmp_path / f"tests/kernel/01-suite/{name}.c"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"TEST({name})\n")
    report = ktap.Report(serial, ending)
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    monkeypatch.setattr(chapters, "build", lambda *_: tmp_path)
    monkeypatch.setattr(ktap, "run", lambda image: (report, ""))
    return conftest.suite_passes.__wrapped__("01-boot", "gcc-O2", "01-suite")


@pytest.mark.parametrize(
    "lines, status, passes",
    [
        (["1..2", "ok 1 one", "ok 2 two"], 33, True),
        (["1..2", "ok 1 one", "not ok 2 two"], 35, False),
        (["1..2", "ok 1 one"], 33, False),
        (["1..1", "ok 1 one"], 33, False),
        (["1..2", "ok 1 one", "ok 2 two"], 35, False),
    ],
)
def test_suite_passes_only_if_all_is_well(tmp_path, monkeypatch, lines, status, passes):
    serial = "\n".join(["KTAP version 1", *lines, ""])
    ending = Ending("exit", status)
    assert suite_of(tmp_path, monkeypatch, serial, ending) == passes


def test_suite_that_does_not_build_does_not_pass(monkeypatch):
    def build(*_):
        raise chapters.BuildError("no")

    monkeypatch.setattr(chapters, "build", build)
    assert not conftest.suite_passes.__wrapped__("01-boot", "gcc-O2", "01-boot")


def test_no_two_tests_of_a_kernel_have_one_name():
    """Or the files of a suite are always booted one by one."""
    for suite in (chapters.ROOT / "tests/kernel").glob("[0-9]*"):
        names = sum((ktap.tests_in(p.read_text()) for p in suite.glob("*.c")), [])
        assert len(names) == len(set(names)), suite

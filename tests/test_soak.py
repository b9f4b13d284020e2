"""test_soak.py: make soak, for a few seconds; and that it notices what it is for."""

import re
import subprocess

import pytest

import chapters
import patched
import soak

CHAPTER = "09-scheduling"


def test_five_seconds():
    done = subprocess.run(
        ["make", "-s", "soak", "SECONDS=5", "SEED=1"],
        cwd=chapters.ROOT,
        env=chapters.clean_environment(),
        capture_output=True,
        timeout=280,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first.endswith("5 s, seed 1")
    told = {name: int(count) for name, count in re.findall(r"(\w+) (\d+)", last)}
    assert told["rounds"] > 0 and told["keys"] > 0 and told["bytes"] > 0
    assert re.search(r" [1-9]\d* NMIs;", last)


# What is changed in one place of a file, and what is said then.
MUTANTS = {
    "stacks stay": ("threads.c", "    kfree(thread->stack);\n", "", "frames_free"),
    "a signal counts twice": (
        "semaphore.c",
        "    if (!thread_wake(&semaphore->waiting))\n",
        "    thread_wake(&semaphore->waiting);\n",
        "visitors <= PLACES|places.count",
    ),
    "some keys come twice and others never": (
        "input.c", "keys[taken++ % SIZE];", "keys[taken++ % SIZE & ~4u];",
        "heard, sum|not so",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_are_noticed(name, tmp_path):
    file, old, new, told = MUTANTS[name]
    (tmp_path / "none.patch").touch()
    directory = f"soak-{name.replace(' ', '-')}"
    copy = patched.Copy(CHAPTER, tmp_path / "none.patch", directory)
    source = (copy.path / file).read_text()
    assert source.count(old) == 1
    (copy.path / file).write_text(source.replace(old, new))
    copy.make("$(BUILD)/tests/soak/load.iso")
    with pytest.raises(soak.SoakError, match=told):
        soak.soak(copy.product("tests/soak/load.iso"), 5, 1)


class Dying:
    """A machine whose kernel says that it panics, and why when one waits."""

    def __init__(self, *_, **__):
        self.serial = "\npanic at x.c:1: "

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def expect(self, _):
        pass

    send = expect

    def run_to_end(self, _=None, until=None):
        if until:
            return until()
        self.serial += "the reason\nhalted\n"

    def report(self, what):
        return f"{what}\n{self.serial}"


def test_kernel_that_gives_up_is_heard_to_its_end(monkeypatch):
    monkeypatch.setattr(soak.qemu, "Machine", Dying)
    with pytest.raises(soak.SoakError, match="given up(?s:.*)the reason\nhalted"):
        soak.soak("no.iso", 5, 1)


def test_what_is_typed_has_to_arrive_in_its_order():
    typed, other = soak.Typed("keys"), soak.Typed("keys")
    typed.add("123")
    other.add("132")
    typed.check(2, typed.sums[2])
    for count, total in ((1, typed.sums[1]), (3, other.sums[3]), (4, 0)):
        with pytest.raises(soak.SoakError):
            typed.check(count, total)


REPORTS = {
    "soak 2: rounds 1;": "report 2 comes after 0",
    "soak 1: rounds 5, frames 9;\nsoak 2: rounds 4, frames 9;": "rounds: 4 after 5",
    "soak 1: rounds 5, frames 9;\nsoak 2: rounds 5, frames 8;": "frames: 8 after 9",
    "soak 1: rounds 5, frames 9;\nsoak 2: rounds 5, frames 10;": "frames: 10 after 9",
    "soak 1: rounds 5;\n\npanic at x.c:1: y\n": "has given up",
    "soak 1: rounds 5, keys 1 0;": "1 of 0 heard",
}


@pytest.mark.parametrize("said", REPORTS)
def test_reports_are_compared(said):
    run = soak.Soak(None, 1, 1)
    with pytest.raises(soak.SoakError, match=REPORTS[said]):
        run.read(f"{said}\n", 0)


def test_an_nmi_in_the_middle_of_a_line_is_no_part_of_it():
    run = soak.Soak(None, 1, 1)
    run.read("soak 1: rou\nNMI, unknown cause, before 0012 f+0x1\nnds 7;\n", 0)
    assert run.reports == [{"rounds": 7}] and run.nmis_seen == 1

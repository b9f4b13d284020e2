"""test_breaks.py: breaks and exercises are told apart from what works.

The breaks and the exercises of the book are items of their own (conftest.py).
These are made here, from chapter 01 as it is.
"""

import difflib
import os
import re
import subprocess
from types import SimpleNamespace

import pytest

import breaks
import chapters
import conftest
import exercises
import patched

CHAPTER = "01-boot"
SAMPLE = f"sample-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
KERNEL_MAIN = re.compile(r"^void kernel_main\(.*\)\n\{\n", re.M)


def inserted(line):
    """A patch that puts LINE at the beginning of kernel_main."""
    before = (chapters.directory(CHAPTER) / "main.c").read_text()
    after = KERNEL_MAIN.sub(lambda found: f"{found[0]}    {line}\n", before)
    assert before != after
    lines = before.splitlines(True), after.splitlines(True)
    return "".join(difflib.unified_diff(*lines, "a/main.c", "b/main.c"))


@pytest.fixture
def write_break(tmp_path):
    """Writes a break from its header and the line it inserts; its path."""

    def write(header, line):
        path = tmp_path / CHAPTER / f"{SAMPLE}.patch"
        path.parent.mkdir(exist_ok=True)
        path.write_text(header + inserted(line))
        return path

    return write


def failure(path):
    """None if the item of a break passes, or the text of its failure."""
    item = SimpleNamespace(path=path, told=lambda o: conftest.BreakTest.told(None, o))
    try:
        conftest.BreakTest.runtest(item)
    except conftest.TOLD as error:
        return str(error)


@pytest.mark.parametrize(
    "expect, line",
    [
        ("build /nonsense/", "nonsense;"),
        ("reset\nExpect: log /^v=06/\nExpect: log /Triple/", 'asm volatile("ud2");'),
        ("hang", "for (;;) {}"),
        ("halt\nExpect: not screen /Trapframe/", 'asm volatile("cli; hlt");'),
        ("halt\nExpect: screen /^Z/", "*(char *)0xb8000 = 'Z'; for (;;) { asm(\"cli; hlt\"); }"),
        ("serial /^Z$/", "asm volatile(\"outb %b0, %w1\" : : \"a\"('Z'), \"d\"(0x3f8));"),
    ],
)  # fmt: skip
def test_break_that_breaks_passes(write_break, expect, line):
    assert failure(write_break(f"Break: B.\nExpect: {expect}\n", line)) is None


def test_break_in_a_test_kernel_passes(tmp_path):
    path = tmp_path / CHAPTER / f"{SAMPLE}.patch"
    path.parent.mkdir()
    before = (chapters.directory(CHAPTER) / "boot.asm").read_text()
    after = before.replace("call    kernel_main", "push rax\n call kernel_main")
    lines = before.splitlines(True), after.splitlines(True)
    diff = "".join(difflib.unified_diff(*lines, "a/boot.asm", "b/boot.asm"))
    header = "Break: B.\nTest: 01-boot/entry.c\nExpect: not-ok stack_is_aligned\n"
    path.write_text(header + diff)
    assert failure(path) is None


def test_break_that_breaks_nothing_fails(write_break):
    told = failure(write_break("Break: B.\nExpect: reset\n", ""))
    assert told.startswith("unmet: reset\nending: halt")


def test_break_that_shows_nothing_fails(write_break):
    told = failure(write_break("Break: B.\nExpect: halt\n", ""))
    assert told.startswith("the chapter itself does what the break does")


def test_break_that_does_not_fit_fails(write_break):
    path = write_break("Break: B.\nExpect: halt\n", "")
    path.write_text(path.read_text().replace("kernel_main", "other_main"))
    assert "does not fit 01-boot" in failure(path)


@pytest.mark.parametrize(
    "header, complaint",
    [
        ("Expect: reset\n", "needs one Break:"),
        ("Break: B.\n", "at least one Expect:"),
        ("Break: B.\nExpect: explosion\n", "cannot understand: Expect: explosion"),
        ("Break: B.\nExpect: serial text\n", "cannot understand"),
        ("Break: B.\nExpext: reset\n", "no such header line: Expext: reset"),
    ],
)
def test_bad_header_is_told(write_break, header, complaint):
    assert complaint in failure(write_break(header, ""))


def test_unknown_break_lists_those_there_are():
    with pytest.raises(breaks.BreakError, match="no break nonsense; 01-boot has: "):
        breaks.find(CHAPTER, "nonsense")


def run_make(*words):
    return subprocess.run(
        ["make", "--no-print-directory", "-s", *words],
        cwd=chapters.directory(CHAPTER),
        env=chapters.clean_environment(),
        capture_output=True,
        timeout=60,
        text=True,
    )


@pytest.mark.parametrize("words", [["break", "BREAK=x"], ["break"]])
def test_make_break_wants_a_name(words):
    done = run_make(*words)
    assert done.returncode != 0
    assert "01-boot has: " in done.stderr.splitlines()[0]


@pytest.mark.parametrize("words", [["check", "EXERCISE=x"], ["check"]])
def test_make_check_wants_a_name(words):
    done = run_make(*words)
    assert done.returncode != 0
    assert "01-boot has: " in done.stderr.splitlines()[0]


# Exercises

CHECK_PY = '''
def check_screen(boot):
    """The kernel says A."""
    with boot() as machine:
        machine.run_to_end()
        assert machine.screen()[24][79] == "A", "no A in the corner"
'''

CORNER = "*(volatile char *)0xb8f9e = 'A';"


@pytest.fixture
def write_exercise(tmp_path):
    def write(check, solution):
        directory = tmp_path / CHAPTER / SAMPLE
        directory.mkdir(parents=True)
        (directory / "check.py").write_text(check)
        (directory / "solution.patch").write_text(solution)
        return exercises.Exercise(directory)

    return write


def exercise_failure(exercise):
    try:
        item = SimpleNamespace(path=exercise.solution)
        conftest.ExerciseTest.runtest(item)
    except conftest.TOLD as error:
        return str(error)


def at_the_end(line):
    """A patch that puts LINE after everything kernel_main does."""
    before = (chapters.directory(CHAPTER) / "main.c").read_text()
    assert before.endswith("}\n")
    after = f"{before[:-2]}    {line}\n}}\n"
    lines = before.splitlines(True), after.splitlines(True)
    return "".join(difflib.unified_diff(*lines, "a/main.c", "b/main.c"))


def test_exercise_with_a_solution_passes(write_exercise):
    assert exercise_failure(write_exercise(CHECK_PY, at_the_end(CORNER))) is None


def test_solution_that_solves_nothing_fails(write_exercise):
    told = exercise_failure(write_exercise(CHECK_PY, at_the_end("")))
    assert told.startswith("the solution does not pass:\nscreen\nno A in the corner")


def test_check_that_checks_nothing_fails(write_exercise):
    check = "def check_nothing(boot):\n    pass\n"
    told = exercise_failure(write_exercise(check, at_the_end(CORNER)))
    assert told == "the chapter passes without the solution"


def test_check_without_functions_is_not_solved(write_exercise):
    told = exercise_failure(write_exercise("", at_the_end(CORNER)))
    assert told.startswith("the solution does not pass")


def test_solution_that_does_not_build_is_told(write_exercise):
    told = exercise_failure(write_exercise(CHECK_PY, at_the_end("nonsense;")))
    assert "the kernel builds" in told and "nonsense" in told


def test_bare_assertion_is_told_by_its_line(write_exercise):
    check = CHECK_PY.replace(', "no A in the corner"', "")
    told = exercise_failure(write_exercise(check, at_the_end("")))
    assert 'assert machine.screen()[24][79] == "A"' in told


def test_exercise_needs_a_check_and_a_solution(tmp_path):
    with pytest.raises(exercises.ExerciseError, match="no solution.patch"):
        exercises.Exercise(tmp_path)
    (tmp_path / "solution.patch").touch()
    with pytest.raises(exercises.ExerciseError, match="no check.c"):
        exercises.Exercise(tmp_path)


def test_patch_that_does_not_fit_is_told(tmp_path):
    patch = tmp_path / "x.patch"
    patch.write_text(inserted("").replace("kernel_main", "other_main"))
    with pytest.raises(patched.PatchError, match="does not fit 01-boot"):
        patched.Copy(CHAPTER, patch, f"breaks/{SAMPLE}")

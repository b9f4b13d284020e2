"""test_matrix.py: make matrix, in part; and that it notices what it is for."""

import re

import pytest

import bochs
import chapters
import matrix
import qemu
import records
import sources

HERE, *OTHERS = matrix.environments()
EMULATED = OTHERS[-1]


def test_environments_have_names_of_their_own():
    names = [environment.name for environment in [HERE, *OTHERS]]
    assert len(set(names)) == len(names)


@pytest.mark.since("01-boot")
def test_chapter_runs_in_bochs(chapter):
    row, wrong = matrix.cell(chapter, EMULATED)
    assert row[:3] == (chapter, "Bochs", "pass"), wrong


@pytest.mark.since("01-boot")
def test_chapter_runs_in_qemu(chapter):
    row, wrong = matrix.cell(chapter, HERE)
    assert row[:3] == (chapter, HERE.name, "pass"), wrong


def test_usb_stick():
    stick = next(each for each in OTHERS if each.medium == "stick")
    row, wrong = matrix.cell(chapters.names()[-1], stick)
    assert row[2] == "pass", wrong


# What is expected, what the machine is, and what is said of it.
WRONG = {
    "another CPU": (matrix.Environment("x", "-cpu qemu32"), "it does not say"),
    "a CPU that will do": (
        matrix.Environment("x", refused=True),
        "it does not say /\\^Trapframe needs",
    ),
    "no such CPU": (matrix.Environment("x", "-cpu abacus"), "abacus"),
    "a CPU that waits": (matrix.Environment("x", "-S"), "it does not halt: "),
}


@pytest.mark.parametrize("name", WRONG)
def test_failing_cell(name, monkeypatch):
    monkeypatch.setattr(matrix, "SECONDS", 5)
    environment, why = WRONG[name]
    row, wrong = matrix.cell("02-vga", environment)
    assert row[2] == "fail" and re.search(why, wrong), wrong


def test_answer_that_is_wrong(monkeypatch):
    monkeypatch.setitem(matrix.QUESTIONS, "07-interrupts", {"uptime": "^an hour$"})
    for environment in (HERE, EMULATED):
        row, wrong = matrix.cell("07-interrupts", environment)
        assert row[2] == "fail" and "asked for uptime" in wrong


def test_command_fails_if_a_cell_does(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(matrix, "RESULT", tmp_path / "matrix.tsv")
    monkeypatch.setattr(
        matrix, "environments", lambda: [HERE, matrix.Environment("x", refused=True)]
    )
    assert matrix.main(["02"]) == 1
    assert "1 of 2 pass" in capsys.readouterr().out
    table = (tmp_path / "matrix.tsv").read_text()
    assert re.fullmatch(
        rf"02-vga\t{HERE.name}\tpass\t\d+\n02-vga\tx\tfail\t\d+\n", table
    )


def test_record_has_every_cell_and_none_fails():
    everywhere = list(matrix.environments())
    cells = [(name, each.name) for name in chapters.names() for each in everywhere]
    assert records.read(matrix.RECORD)[1] == [(*cell, "pass") for cell in cells]


@pytest.fixture
def two_cells(monkeypatch, tmp_path):
    """A matrix of chapter 02 in two environments, and a record elsewhere."""
    monkeypatch.setattr(matrix, "RESULT", tmp_path / "result.tsv")
    monkeypatch.setattr(matrix, "RECORD", tmp_path / "record.tsv")
    monkeypatch.setattr(chapters, "names", lambda: ["02-vga"])
    two = [HERE, matrix.Environment("16 MiB", "-m 16M")]
    monkeypatch.setattr(matrix, "environments", lambda: two)
    return two


def test_record(two_cells):
    assert matrix.main(["--record"]) == 0
    head, rows = records.read(matrix.RECORD)
    assert rows == [("02-vga", HERE.name, "pass"), ("02-vga", "16 MiB", "pass")]
    assert head["QEMU"] == records.version("QEMU") != records.UNKNOWN
    assert {"date", "sources 02-vga", "sources common"} < set(head)


def test_failing_cell_is_not_recorded(two_cells, capsys):
    two_cells[1] = matrix.Environment("x", refused=True)
    assert matrix.main(["--record"]) == 1
    assert "not recorded" in capsys.readouterr().err
    assert not matrix.RECORD.exists()


def test_what_changes_meanwhile_is_not_recorded(two_cells, monkeypatch):
    digests = iter([{"common": "a"}, {"common": "b"}])
    monkeypatch.setattr(sources.digests, "digests", lambda *_: next(digests))
    with pytest.raises(SystemExit, match="not recorded"):
        matrix.main(["--record"])
    assert not matrix.RECORD.exists()


def test_bochs_that_says_nothing(monkeypatch):
    monkeypatch.setattr(matrix, "SECONDS", 1)
    row, wrong = matrix.cell("09-scheduling", EMULATED)
    assert row[2] == "fail" and "end of Bochs's log" in wrong


def test_bochs_without_its_roms(monkeypatch):
    monkeypatch.setattr(bochs, "ROMS", {"romimage": ("/no/BIOS",)})
    with pytest.raises(qemu.MachineError, match="no /no/BIOS: ./setup --test"):
        bochs.Bochs("no.iso")

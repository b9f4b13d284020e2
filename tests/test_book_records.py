"""test_book_records.py: what was recorded, of make bench, make matrix and make mutants,
on pages of a tiny book; and that the book's own pages show what the records have.
"""

import re
import subprocess
import sys

import pytest

import chapters
import matrix
import mutations
import records
import site_of_book
import tiny_book
from test_bench import bench

HEAD = {"date": "2026-11-27", "gcc": "12.2.0", "QEMU": "7.2.22"}
COUNTS = [("trip", 1234, "instructions"), ("code.01-one", 80, "bytes")]
TIMES = [("ratio", 0.549, "ratio")]
COSTS = """\
::: {.counts-record}
:::

Take [trip]{.count}, at least [1000]{.least of="trip"}, and [ratio]{.count}.

::: {.counts of="counts" caption="All."}
:::
"""
MATRIX = """\
::: {.matrix caption="All." environments="a PC; UEFI, 64 GiB"}
:::

::: {.matrix-record}
:::
"""
MUTANTS = """\
All [planted]{.mutants-count}, and [nobody]{.mutants-count} of them.

::: {.mutants of="01-one"}
:::

::: {.mutants of="02-two"}
:::

::: {.mutants-sum caption="Sums."}
:::

::: {.mutants-record}
:::
"""
NO_END = "the kernel did not come to its end"
PLANTED = [
    ("01-one", "off", "One too few.", "01-one/main", "sum_is_right fails"),
    ("01-one", "on", "One too many.", "test_01_one.py::test_it_works[01-one]", "fails"),
    ("01-one", "two", "One for two.", "01-one", f"{NO_END}: reset"),
    ("02-two", "same", "The same.", "no test", "It is the same."),
]
CELLS = [
    (chapter, where, "pass")
    for chapter in ("01-one", "02-two")
    for where in ("a PC", "UEFI, 64 GiB")
]


def digests(root):
    command = [sys.executable, chapters.ROOT / "book/digests.py", "01-one", "02-two"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return {f"sources {name}": digest for name, digest in lines}


@pytest.fixture
def book(tmp_path):
    book = tiny_book.copy(tmp_path)
    (tmp_path / "tests/bench").mkdir(parents=True)
    records.write(tmp_path / "tests/bench/counts.tsv", "x", HEAD, COUNTS)
    records.write(tmp_path / "tests/bench/times.tsv", "x", HEAD, TIMES)
    record(book, CELLS)
    (tmp_path / "tests/mutations").mkdir()
    path = tmp_path / "tests/mutations/record.tsv"
    records.write(path, "x", HEAD | digests(tmp_path), PLANTED)
    book.page("appendix-costs", COSTS)
    book.page("appendix-matrix", MATRIX)
    book.page("appendix-mutants", MUTANTS)
    return book


def record(book, cells):
    path = book.root / "tests/matrix.tsv"
    records.write(path, "x", HEAD | digests(book.root), cells)


def flat(html):
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def test_counts_are_shown(book):
    assert book.make()[0]
    text = flat(book.html("appendix-costs"))
    assert "Recorded on 2026-11-27, with gcc 12.2.0 QEMU 7.2.22" in text
    assert "Take 1,234, at least 1000, and 0.549." in text
    assert "figure unit name 1,234 instructions trip 80 bytes code.01-one" in text


def test_page_follows_the_record(book):
    assert book.make()[0]
    path = book.root / "tests/bench/counts.tsv"
    path.write_text(path.read_text().replace("1234", "1235"))
    assert book.make()[0]
    assert "Take 1,235," in flat(book.html("appendix-costs"))


WRONG = {
    "a name": ("[trip]{.count}", "[trap]{.count}", 'is called "trap"'),
    "a floor": ("[1000]", "[1235]", "trip is less than 1235"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_count_is_told(name, book):
    old, new, complaint = WRONG[name]
    book.page("appendix-costs", COSTS.replace(old, new))
    worked, said = book.make()
    line = book.line("appendix-costs", new)
    assert not worked and f"book/appendix-costs.md:{line}: " in said
    assert complaint in said


def test_matrix_is_shown(book):
    assert book.make()[0]
    text = flat(book.html("appendix-matrix"))
    assert "environment 01 02 a PC ✓ ✓ UEFI, 64 GiB ✓ ✓" in text
    assert "No chapter’s sources have changed since." in text


@pytest.mark.parametrize("file", ["main.c", "new.h"])
def test_chapter_that_has_changed_since_is_named(file, book):
    assert book.make()[0]
    path = book.root / "chapters/02-two" / file
    path.write_text((path.read_text() if path.exists() else "") + "\n")
    assert book.make("DRAFT=1")[0]
    text = flat(book.html("appendix-matrix"))
    assert "what they are now: 02-two ." in text


def test_failure_is_shown_as_one(book):
    record(book, [*CELLS[:-1], ("02-two", "UEFI, 64 GiB", "fail")])
    assert book.make()[0]
    assert "UEFI, 64 GiB ✓ fails" in flat(book.html("appendix-matrix"))


def test_environments_are_all_shown_and_no_others(book):
    book.page("appendix-matrix", MATRIX.replace("a PC;", "a Mac;"))
    worked, said = book.make()
    assert not worked
    assert 'nothing was booted in "a Mac"' in said and 'no table shows "a PC"' in said


def test_mistakes_are_shown(book):
    assert book.make()[0]
    text = flat(book.html("appendix-mutants"))
    assert "All 4, and 1 of them." in text
    assert "One too few. 01-one/main : sum is right One" in text
    assert "One too many. test_01_one : it works One" in text
    assert "One for two. 01-one : it is reset " in text
    assert "The same. nobody: It is the same." in text
    assert "01-one 3 2 1 0 02-two 1 0 0 1 all 4 2 1 1" in text
    assert "No chapter’s sources have changed since." in text


def test_mistakes_of_all_chapters_are_shown(book):
    book.page("appendix-mutants", MUTANTS.replace("02-two", "03-three"))
    worked, said = book.make()
    assert not worked
    assert 'no mistakes are recorded of "03-three"' in said
    assert "no table shows the mistakes of 02-two" in said


def test_page_of_costs_has_all_counts():
    text = flat(site_of_book.page("appendix-costs").read_text())
    for path in bench.COUNTS, bench.TIMES:
        for name, value, unit in records.read(path)[1]:
            number = value if "." in value else f"{int(value):,}"
            assert f"{number} {unit} {name} " in text


def test_page_of_the_matrix_has_all_cells():
    text = flat(site_of_book.page("appendix-matrix").read_text())
    marks = " ✓" * len(chapters.names())
    for each in matrix.environments():
        assert f" {each.name}{marks} " in text


def test_page_of_mistakes_has_all():
    text = flat(site_of_book.page("appendix-mutants").read_text())
    for _, _, what, test, _ in records.read(mutations.RECORD)[1]:
        file = test.split(".py::")[0].replace(mutations.NO_TEST, "nobody")
        assert what.replace("'", "’") + " " + file in text

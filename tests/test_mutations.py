"""test_mutations.py: the lists of mistakes fit the sources, and the tests see a
sample of them; `make mutants` tries all."""

import collections

import pytest

import chapters
import mutations
import records

SECONDS = 60  # the slowest of these kernels takes two
ALL = [mutation for chapter in chapters.names() for mutation in mutations.of(chapter)]
SAMPLE = [mutation for mutation in ALL if mutation.test]


def test_each_mistake_fits_its_source():
    for mutation in ALL:
        mutations.mutant(mutation)


def test_names_are_not_given_twice():
    times = collections.Counter((mutation.chapter, mutation.name) for mutation in ALL)
    assert [name for name, count in times.items() if count > 1] == []


def test_every_chapter_is_in_the_sample():
    assert {mutation.chapter for mutation in SAMPLE} == set(chapters.names())


def title(mutation):
    return f"{mutation.chapter}/{mutation.name}"


@pytest.mark.parametrize("mutation", SAMPLE, ids=title)
def test_mistake_is_seen(mutation):
    """By the kernel that the list names, which passes without the mistake."""
    laboratory = mutations.laboratory(mutation.chapter, mutation.test)
    seen = laboratory.complaint(1, mutations.mutant(mutation), SECONDS)
    assert seen and seen != mutations.NO_BUILD


def test_record_has_all_mistakes():
    """And each was seen, or there is a reason."""
    rows = records.read(mutations.RECORD)[1]
    unseen = [name for _, name, _, test, _ in rows if test == mutations.NO_TEST]
    assert [row[:3] for row in rows] == [(m.chapter, m.name, m.what) for m in ALL]
    assert unseen == [m.name for m in ALL if m.equivalent]


def test_mistake_is_seen_from_outside():
    """By a test on the host, which passes without the mistake."""
    [mutation] = [m for m in ALL if title(m) == "01-boot/no-cld"]
    test = "test_01_boot.py::test_c_starts_from_a_clean_state[01-boot]"
    assert mutations.seen_on_host(mutation, test) == (test, "fails")


def test_what_a_test_has_against_everything_is_not_seen(monkeypatch):
    monkeypatch.setattr(mutations.Host, "fails", lambda *_: True)
    with pytest.raises(mutations.MutationError):
        mutations.seen_on_host(ALL[0], "test_that_does_not_pass")


@pytest.mark.parametrize(
    "test, by",
    [("02-vga", "kernel"), ("test_02.py::test_it", "host"), ("02-gone", None)],
)
def test_what_saw_it_last_is_tried(test, by, monkeypatch):
    [mutation] = [m for m in ALL if title(m) == "02-vga/int-min"]
    last = {(mutation.chapter, mutation.name): test}
    monkeypatch.setattr(mutations, "recorded", lambda: last)
    monkeypatch.setattr(mutations, "seen_by_kernel", lambda *_: "kernel")
    monkeypatch.setattr(mutations, "seen_on_host", lambda *_: "host")
    assert mutations.seen_again(1, mutation) == by


def test_entries_are_read():
    entry = "name file.c: What is wrong.\nTest: 02-vga/vga\n a\n-b\n+c"
    read = mutations.read_entry("02-vga", entry)
    assert (read.old, read.new) == ("a\nb\n", "a\nc\n")
    assert (read.what, read.test) == ("What is wrong.", "02-vga/vga")


@pytest.mark.parametrize(
    "entry", ["no file", "name file.c: What.", "name file.c: What.\nTset: x\n-a"]
)
def test_what_is_no_entry_is_told(entry):
    with pytest.raises(mutations.MutationError):
        mutations.read_entry("02-vga", entry)


SEEN = mutations.Sight("02-vga/vga", "it hangs")
NO_BUILD = SEEN._replace(told=mutations.NO_BUILD)


@pytest.mark.parametrize(
    "seen, equivalent, trouble, bad",
    [
        (SEEN, None, None, False),
        (None, "why", None, False),
        (None, None, None, True),
        (SEEN, "why", None, True),
        (NO_BUILD, None, None, True),
        (None, None, "a test does not pass", True),
        (None, "why", "a test does not pass", True),
    ],
)
def test_verdict(seen, equivalent, trouble, bad):
    mutation = ALL[0]._replace(equivalent=equivalent)
    assert mutations.is_bad(mutations.Verdict(mutation, seen, trouble)) == bad

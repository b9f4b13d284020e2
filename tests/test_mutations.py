"""test_mutations.py: the lists of mistakes fit the sources, and the tests see a
sample of them; `make mutants` tries all."""

import collections

import pytest

import chapters
import mutations

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


@pytest.mark.parametrize(
    "caught, equivalent, bad",
    [
        ("by a test", None, False),
        (None, "why", False),
        (None, None, True),
        ("by a test", "why", True),
        (f"suite: {mutations.NO_BUILD}", None, True),
    ],
)
def test_verdict(caught, equivalent, bad):
    mutation = ALL[0]._replace(equivalent=equivalent)
    assert mutations.is_bad(mutations.Verdict(mutation, caught)) == bad

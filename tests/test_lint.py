"""test_lint.py: what make lint finds, in part; and that it notices what it is for."""

import pytest

import chapters
import lint

PLANTED = {
    "gcc": "analyzer-null-dereference",
    "clang-tidy": "misc-redundant-expression",
    "cppcheck": "arrayIndexOutOfBounds",
}


@pytest.mark.parametrize("analyzer", PLANTED)
def test_planted_mistake_is_found(analyzer):
    source = chapters.ROOT / f"tests/lint/{analyzer}.c"
    told = lint.complaint(analyzer, source)
    assert told and PLANTED[analyzer] in told


@pytest.mark.parametrize("analyzer", ["gcc", "cppcheck"])
def test_chapters_are_clean(analyzer):
    found = lint.complaints([analyzer], lint.sources(chapters.names()))
    assert not found, "\n".join(found)


def test_last_chapter_is_clean_to_clang_tidy():
    files = lint.sources(chapters.names()[-1:])
    found = lint.complaints(["clang-tidy"], files)
    assert not found, "\n".join(found)

"""test_book_references.py: the appendix on references lists what the book cites.

A citation, in the prose or in a comment of a chapter's sources, names a work and
quotes the title of a section:

    Intel SDM volume 3A, "Error Code"

The appendix has a line for each, with links to the chapters that cite it, and perhaps to
other pages that do. The work stands in the line, or is the heading above it. A comment
is on the page of the chapter in whose file it first stands.
"""

import re

import pytest

import chapters
from patched import SOURCES

BOOK = chapters.ROOT / "book"
APPENDIX = BOOK / "appendix-references.md"

LINE = re.compile(r'- (?:(.+?), )?"(.+?)": .*\)')
LINK = re.compile(r"\[[^]]+\]\(([\w-]+)\.html\)")
MANUAL = re.compile(r"\b(?:Intel SDM|AMD APM) volume \w+")
ALONE = re.compile(r"(?<!SDM )(?<!APM )\bvolume (\d\w)")  # Intel's: AMD has no 3A
TITLES = r', ("[^"]+"(?: and "[^"]+")*)'


def listed():
    """Each line of the appendix: (work, title): the pages that it links."""
    found, heading = {}, None
    for text in APPENDIX.read_text().splitlines():
        if text.startswith("### "):
            heading = text.removeprefix("### ")
        line = LINE.fullmatch(text)
        if line:
            citation = line[1] or heading, line[2]
            assert citation not in found, f"twice: {citation}"
            found[citation] = set(LINK.findall(text))
    return found


def works():
    return {work for work, _ in listed()}


def cited_in(text):
    """The citations in a text: pairs of a work and a title."""
    text = re.sub(r"\n\s*(?://|;)", " ", text)  # a comment goes on
    text = " ".join(text.split())
    text = ALONE.sub(r"Intel SDM volume \1", text)
    for work in works() | set(MANUAL.findall(text)):
        for titles in re.findall(rf"\b{re.escape(work)}{TITLES}", text):
            for title in re.findall(r'"([^"]+)"', titles):
                yield work, title


def sources_of(chapter):
    """Each file of a chapter: its name and what it cites."""
    if not chapter:
        return {}
    directory = chapters.directory(chapter)
    files = [path for pattern in SOURCES for path in directory.glob(pattern)]
    return {path.name: set(cited_in(path.read_text())) for path in files}


def citations():
    """(work, title): the pages that cite it."""
    found = {}
    for path in BOOK.glob("*.md"):
        if path != APPENDIX:
            for citation in cited_in(path.read_text()):
                found.setdefault(citation, set()).add(path.stem)
    before = {}
    for chapter in chapters.names():
        now = sources_of(chapter)
        for name, cited in now.items():
            for citation in cited - before.get(name, set()):
                found.setdefault(citation, set()).add(chapter)
        before = now
    return found


def test_appendix_lists_every_citation():
    assert sorted(listed()) == sorted(citations())


def test_appendix_links_the_chapters_that_cite():
    cited = citations()
    for citation, links in listed().items():
        pages = cited[citation]
        wanted = pages & {*chapters.names()}
        assert wanted <= links <= pages, f"{citation}: cited in {sorted(pages)}"


@pytest.mark.parametrize(
    "text, expected",
    [
        ('(Intel SDM volume 3A, "Error Code")', [("Intel SDM volume 3A", "Error Code")]),
        ('(volume\n3A, "Error\n// Code").', [("Intel SDM volume 3A", "Error Code")]),
        ('Intel SDM volume 9Z, "New"', [("Intel SDM volume 9Z", "New")]),
        (
            '; AMD APM volume 2,\n; "One" and "Two".',
            [("AMD APM volume 2", "One"), ("AMD APM volume 2", "Two")],
        ),
        ('He said, "Error Code"', []),
    ],
)
def test_citations_are_found(text, expected):
    assert list(cited_in(text)) == expected

"""test_book_symptoms.py: the page of symptoms names every break, and quotes only
what can be seen."""

import functools
import re

import pytest

import breaks
import chapters
import site_of_book
import tiny_book
import transcripts
from webpage import Page

SYMPTOMS = chapters.ROOT / "book/appendix-symptoms.md"
TRY = re.compile(r"\[([\w-]+)/([\w-]+)\]\{\.try\}")
CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)(\{\.seen\})?")


def entries():
    """{heading: its text}."""
    parts = re.split(r"^##+ (.*)$", SYMPTOMS.read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def quoted(text):
    """What is said to be seen, in an entry."""
    return [code[2] for code in CODE.finditer(text) if code[3]]


@functools.cache
def shown():
    """All that the transcripts of the book show; test_transcripts.py runs them."""
    pages = (chapters.ROOT / "book").glob("*.md")
    blocks = [block for page in pages for block in transcripts.blocks(page)]
    return "\n".join(line for b in blocks if not b.static for line in b.lines)


def proves(broken, text):
    """Would the break fail, were the text not seen?"""
    for expectation in broken.expectations:
        if expectation.regex and not expectation.denied:
            regex = expectation.regex.strip("^$")
            if text in regex.replace("\\", "") or re.fullmatch(regex, text):
                return True
    return False


@pytest.mark.parametrize("chapter", chapters.names())
def test_every_break_has_an_entry(chapter):
    tried = TRY.findall(SYMPTOMS.read_text())
    named = {name for where, name in tried if where == chapter}
    assert named == set(breaks.names(chapter))


QUOTING = [heading for heading, text in entries().items() if quoted(text)]


@pytest.mark.parametrize("heading", QUOTING)
def test_what_an_entry_quotes_is_seen(heading):
    text = entries()[heading]
    tried = [breaks.find(*names) for names in TRY.findall(text)]
    unseen = [words for words in quoted(text) if words not in shown()]
    assert [w for w in unseen if not any(proves(b, w) for b in tried)] == []


def test_commands_lead_to_their_breaks():
    page = site_of_book.page(SYMPTOMS.stem).read_text()
    box = '<a href="01-boot.html#break-no-pae"><code>make break CHAPTER=01 BREAK=no-pae'
    assert box in page
    assert "srcline" not in page and "{.seen}" not in page


def test_every_symptom_has_an_address_of_its_own():
    headings = re.findall(r"^##.*", SYMPTOMS.read_text(), re.M)
    assert len(headings) > 60
    assert [h for h in headings if not re.search(r" \{#[\w-]+\}$", h)] == []
    ids = Page(site_of_book.page(SYMPTOMS.stem)).ids()
    assert [h for h in headings if h[:-1].split("{#")[1] not in ids] == []


# ---- The marks, in a book of two chapters

BREAK = "Break: B.\nExpect: reset\n--- a/boot.asm\n+++ b/boot.asm\n"
ENTRIES = "See\n[01-one/x]{.try} and `text`{.seen}.\n"


@pytest.fixture
def book(tmp_path):
    book = tiny_book.copy(tmp_path)
    book.write("tests/breaks/01-one/x.patch", BREAK)
    book.page("appendix-symptoms", ENTRIES)
    return book


def name_break(book):
    path = "book/01-one.md"
    book.write(path, book.read(path) + "\n## Here\n\nTry `make break BREAK=x`.\n")


def test_break_that_its_chapter_does_not_name_is_no_link(book):
    assert book.make()[0]
    assert "See <code>make break CHAPTER=01 BREAK=x</code>" in flat(book)


def test_break_leads_to_the_section_that_names_it(book):
    name_break(book)
    assert book.make()[0]
    link = '<a href="01-one.html#here"><code>make break CHAPTER=01 BREAK=x</code></a>'
    assert link + " and <code>text</code>" in flat(book)


def test_link_follows_the_chapter(book):
    assert book.make()[0]
    name_break(book)
    assert book.make()[0]
    assert "01-one.html#here" in flat(book)


def test_break_that_is_not_there_is_told(book):
    book.page("appendix-symptoms", ENTRIES.replace("/x", "/y"))
    worked, said = book.make()
    line = book.line("appendix-symptoms", "{.try}")
    there_is_none = "there is no tests/breaks/01-one/y.patch"
    assert not worked and f"book/appendix-symptoms.md:{line}: {there_is_none}" in said


def flat(book):
    return " ".join(book.html("appendix-symptoms").split())

"""test_book_index.py: the index of instructions and registers leaves nothing out
that the kernels have, and follows the pages."""

import re

import pytest

import chapters
import site_of_book
import tiny_book

INDEX = chapters.ROOT / "book/appendix-instructions.md"
TERM = re.compile(r"^(?:\[(.*)\]\{(.*)\}|`([^`]*)`)\n: ", re.M)

# What NASM itself understands at the place of a mnemonic, and a macro of ours.
DIRECTIVES = {"db", "dw", "dd", "dq", "resb", "times", "outb", "guarded_stack"}
REGISTERS = r"\b[cd]r\d\b"
BITS = r"\b(?:CR\d|EFER|RFLAGS|MSR|IA32|MCG|MC)_[A-Z0-9_]+\b"


def words():
    """All that the index has entries for, and what it leaves out."""
    text = INDEX.read_text()
    entries = TERM.findall(text)
    named = " ".join(" ".join(entry) for entry in entries)
    left_out = re.search(r"^::: \{\.ordinary\}\n(.*?)^:::", text, re.M | re.S)[1]
    return set(re.findall(r"\w+", named + left_out))


def files(*patterns):
    return [path for p in patterns for path in chapters.ROOT.glob(f"chapters/*/{p}")]


def mnemonics(path):
    """The instructions of a file; in C those of its asm statements."""
    text = path.read_text()
    if path.suffix == ".asm":
        return re.findall(r"^(?: {8}|\w+: +)([a-z]\w*)", text, re.M)
    strings = re.findall(r'\basm\b[\w\s]*\("([^"]*)"', text)
    return [part.split()[0] for string in strings for part in string.split(";")]


def wanted(pattern):
    sources = files("*.c", "*.h", "*.asm")
    return {name for path in sources for name in re.findall(pattern, path.read_text())}


def test_every_instruction_is_there():
    used = {m for path in files("*.c", "*.h", "*.asm") for m in mnemonics(path)}
    assert {"lgdt", "iretq", "invlpg", "rep"} <= used
    assert used - DIRECTIVES - words() == set()


def test_every_register_and_bit_is_there():
    assert {"cr2", "cr3"} <= wanted(REGISTERS)
    assert wanted(REGISTERS) - words() == set()
    assert {"CR0_WP", "EFER_NXE", "MCG_CAP"} <= wanted(BITS)
    assert wanted(BITS) - words() == set()


def test_entries_are_in_order():
    for group in INDEX.read_text().split("\n::: {.mentions}\n")[1:3]:
        terms = [term or code for term, _, code in TERM.findall(group)]
        first = [re.search(r"[\w.]+", term)[0].lower() for term in terms]
        assert first == sorted(first)


def test_main_section_is_bold():
    page = flat(site_of_book.page(INDEX.stem).read_text())
    entry = page.split("<code>lgdt</code>")[1].split("<dt>")[0]
    assert '<b><a href="01-boot.html#sec-far-jump">A far jump (1)</a></b>' in entry


# ---- A book of two chapters

ENTRIES = """\
::: {.mentions}
[spin]{words="spin halt"}
:   Waits.

`CR9`
:   Is not.
:::
"""
TEXT = "\n## A\n\n`spin`, and `spin`.\n\n## B\n\nTo `spin`; CR9 does not.\n"
LISTING = '\n## C\n\n``` {.code file="boot.asm" name="spin"}\n```\n'


@pytest.fixture
def book(tmp_path):
    book = tiny_book.copy(tmp_path)
    book.page("appendix-instructions", ENTRIES)
    append(book, "01-one", TEXT)
    return book


def append(book, name, text):
    path = f"book/{name}.md"
    book.write(path, book.read(path) + text)


def flat(text):
    return " ".join(text.split())


def index(book):
    worked, said = book.make()
    assert worked, said
    html = flat(book.html("appendix-instructions"))
    return html.replace('<a href="01-one.html#', "<")


def test_sections_that_name_it_are_found(book):
    append(book, "02-two", LISTING)
    html = index(book)
    assert '<dt>spin</dt> <dd> Waits. </dd> <dd> <b><a">A (1)</a></b>, <b' in html
    assert "<code>CR9</code></dt> <dd> Is not. </dd> <dd> <b><b\">B (1)" in html


def test_section_that_shows_it_is_found_if_no_text_names_it(book):
    book.page("appendix-instructions", ENTRIES.replace("spin halt", "jmp"))
    append(book, "02-two", LISTING)
    assert '<a href="02-two.html#c">C (2)</a>' in index(book)


def test_main_section_can_be_said(book):
    with_main = ENTRIES.replace('halt"', 'halt" main="01-one#b"')
    book.page("appendix-instructions", with_main)
    assert '<b><b">B (1)</a></b>, <a">A (1)</a>' in index(book)


@pytest.mark.parametrize(
    "old, new, complaint",
    [
        ("spin halt", "nowhere", "no section names spin"),
        ('halt"', 'halt" main="01-one#c"', "01-one#c does not name spin"),
    ],
)
def test_entry_that_is_found_nowhere_is_told(book, old, new, complaint):
    book.page("appendix-instructions", ENTRIES.replace(old, new))
    worked, said = book.make()
    line = book.line("appendix-instructions", new)
    assert not worked and f"book/appendix-instructions.md:{line}: {complaint}" in said


def times(book):
    pages = (book.root / "build/book").glob("*.html")
    return {page.name: page.stat().st_mtime_ns for page in pages}


def test_only_the_index_follows_a_page(book):
    index(book)
    append(book, "01-one", "\n## D\n\nAlso `spin`, and `spin`, and `spin`.\n")
    before = times(book)
    assert '<b><d">D (1)</a></b>' in index(book)
    made = {name for name, time in times(book).items() if time != before[name]}
    assert made == {"01-one.html", "appendix-instructions.html"}


# ---- The glossary

TERMS = """\

A [gate]{.def short="G" see="bits"} has [bit]{.def}s.
"""


def glossary(book):
    worked, said = book.make()
    assert worked, said
    return flat(book.html("appendix-glossary"))


@pytest.fixture
def terms(tmp_path):
    book = tiny_book.copy(tmp_path)
    append(book, "01-one", TERMS)
    book.page("appendix-glossary", "::: {.glossary}\n:::\n")
    return book


def test_letters_lead_to_their_first_terms(terms):
    html = glossary(terms)
    assert '<a href="#term-bit">B</a> <a href="#term-gate">G</a></p>' in html


def test_term_says_how_else_it_is_called_and_what_else_to_see(terms):
    html = glossary(terms)
    assert '<dt id="term-gate">gate, G</dt>' in html
    assert 'See also <a href="#term-bit">bit</a>' in html


def test_term_that_sees_nothing_is_told(terms):
    path = "book/01-one.md"
    terms.write(path, terms.read(path).replace('"bits"', '"bytes"'))
    worked, said = terms.make()
    line = terms.line("01-one", "bytes")
    complaint = 'no page defines the term "bytes"'
    assert not worked and f"book/01-one.md:{line}: {complaint}" in said

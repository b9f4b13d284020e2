"""test_book_listings.py: listings show what they say, changes are marked, and a
changed line that no listing shows stops the build."""

import importlib.util
import re

import pytest

import chapters
import tiny_book
from tiny_book import BOOT, FILES, LD, MAIN, MAKEFILE, NEW_FILE, WHOLE
from webpage import Page

SPEC = importlib.util.spec_from_file_location(
    "book_coverage", chapters.ROOT / "book/coverage.py"
)
coverage = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(coverage)

# Attributes of a listing, and the first and the last line it shows.
LISTINGS = {
    'file="main.c" name="LIMIT"': ("#define LIMIT 10", "#define LIMIT 10"),
    'file="main.c" name="ROWS"': ("enum { ROWS", "enum { ROWS"),
    'file="main.c" name="point"': ("struct point {", "};"),
    'file="main.c" name="struct point"': ("struct point {", "};"),
    'file="main.c" name="origin"': ("// Where it starts.", "static struct point origin"),
    'file="main.c" name="operation"': ("typedef int", "typedef int"),
    'file="main.c" name="hook"': ("static void (*hook)", "static void (*hook)"),
    'file="main.c" name="_Static_assert"': ("_Static_assert(", "               "),
    'file="main.c" name="helper"': ("/* Adds", "}"),
    'file="main.c" name="opening"': ("static const", "               "),
    'file="main.c" name="hook..helper"': ("static void (*hook)", "}"),
    'file="main.c" name="either"': ("static void either", "}"),
    'file="main.c" name="kernel_main"': ("void kernel_main", "}"),
    'file="main.c" part="head"': ("// main.c", "enum { ROWS"),
    'file="main.c" first="if (hook)" last="hook("': ("    if", "        hook("),
    'file="main.c" name="helper" first="return"': ("    return", "    return"),
    'file="boot.asm" name="MAGIC"': ("MAGIC ", "MAGIC "),
    'file="boot.asm" name="outb"': ("%macro", "%endmacro"),
    'file="boot.asm" name="start"': ("section .text", "        jmp     .next"),
    'file="boot.asm" name="start.next"': (".next:", "        jmp     .next"),
    'file="boot.asm" name="halt"': ("bits 64", "        hlt"),
    'file="boot.asm" name="spin"': ("; Waits for ever.", "        jmp     spin"),
    'file="boot.asm" name="table"': ("section .data", "%endrep"),
    'file="boot.asm" name="stack"': ("section .bss", "stack:  resb 16"),
    'file="boot.asm" name="start..table"': ("section .text", "%endrep"),
    'file="boot.asm" part="head"': ("; boot.asm", "%endmacro"),
    'file="kernel.ld" name="SECTIONS"': ("SECTIONS", "}"),
    'file="kernel.ld" name=".text"': ("    .text : {", "    }"),
    'file="kernel.ld" name=".bss"': ("    /* zeros */", "    .bss"),
    'file="Makefile" name="OBJECTS"': ("OBJECTS", "OBJECTS"),
    'file="Makefile" name="hello"': ("# Say hello.", "\techo hello"),
}


def listing(attributes):
    return f"``` {{.code {attributes}}}\n```\n\n"


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """The listings of a page that shows each of LISTINGS, then all files."""
    book = tiny_book.copy(tmp_path_factory.mktemp("book"))
    whole = "".join(map(WHOLE.format, FILES))
    book.page("01-one", "".join(map(listing, LISTINGS)) + whole)
    worked, said = book.make()
    assert worked, said
    page = Page(book.root / "build/book/01-one.html")
    return page.listings, book.html("01-one")


def lines_of(each):
    return [text for _, text in each.lines]


@pytest.mark.parametrize("place", range(len(LISTINGS)), ids=list(LISTINGS))
def test_listing_begins_and_ends(place, zoo):
    first, last = list(LISTINGS.values())[place]
    lines = lines_of(zoo[0][place])
    assert lines[0].startswith(first) and lines[-1].startswith(last)
    assert len(lines) > 1 or first == last


def test_listing_knows_its_place(zoo):
    for each in zoo[0]:
        source = FILES[each.file].split("\n")
        lines = lines_of(each)
        assert source[each.first - 1 : each.first - 1 + len(lines)] == lines


def test_whole_files_are_whole(zoo):
    whole = {each.file: lines_of(each) for each in zoo[0][-len(FILES) :]}
    assert whole == {name: text.split("\n")[:-1] for name, text in FILES.items()}


def test_code_is_highlighted_lightly(zoo):
    source = zoo[1]
    assert "<b>start:</b>" in source and "<i>// Where it starts.</i>" in source
    assert "<i>/* zeros */</i>" in source
    assert "<u>static struct</u>" not in source
    assert "<u>static</u> <b>struct</b> point *" not in source


BREAK = """\
Break: It returns nothing.
Expect: hang
--- a/main.c
+++ b/main.c
@@ -24,5 +24,4 @@
 static int helper(int a)
 {
-    return a;
 }
 
"""

MORE = "static int more(void)\n{\n    return 1;\n}"

# What the second chapter changes, and how its page shows it.
CHANGES = [
    ("main.c", "return a + '{'", "return a - '{'"),
    ("main.c", "/* Adds\none. */", "// Adds one."),
    ("main.c", "static void (*hook)(int);\n\n", ""),
    ("main.c", "    if (hook)\n        hook(\"it's {\"[0]);\n", ""),
    ("main.c", "void kernel_main", f"{MORE}\n\nvoid kernel_main"),
    ("boot.asm", "        jmp     .next\n", ""),
]
SHOWN = {
    "changed": 'file="main.c" name="helper"',
    "new": 'file="main.c" name="more"',
    "removed": 'file="main.c" removed="hook"',
    "shortened": 'file="main.c" name="kernel_main"',
    "without its end": 'file="boot.asm" name="start"',
    "removed file": 'file="kernel.ld"',
    "new file": 'file="extra.h"',
    "break": 'break="oops"',
    "of common": 'root="common" file="kernel.mk" name="CC"',
    "of another chapter": 'chapter="01-one" file="main.c" name="hook"',
}


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """The page of a chapter with changes: its listings by name, and its HTML."""
    book = tiny_book.copy(tmp_path_factory.mktemp("book"))
    for change in CHANGES:
        book.change("02-two", *change)
    (book.root / "chapters/02-two/kernel.ld").unlink()
    book.write("tests/breaks/02-two/oops.patch", BREAK)
    book.write("common/kernel.mk", "# Sets it.\nCC = gcc\n")
    book.page("02-two", "".join(map(listing, SHOWN.values())))
    worked, said = book.make()
    assert worked, said
    page = Page(book.root / "build/book/02-two.html")
    return dict(zip(SHOWN, page.listings)), book.html("02-two")


def kinds(each):
    return [kind for kind, _ in each.lines]


def test_changed_lines_are_marked(second):
    listings, source = second
    comment, body = ["del", "del", "ins"], ["a", "a", "del", "ins", "a"]
    assert kinds(listings["changed"]) == comment + body
    first = listings["changed"].first
    assert f"lines {first}–{first + 4}, 2 new, 3 removed" in source


def test_removed_lines_are_shown_in_place(second):
    listings, source = second
    assert kinds(listings["shortened"]) == ["a"] * 3 + ["del"] * 2 + ["a"]
    assert kinds(listings["without its end"])[-2:] == ["a", "del"]
    first = listings["shortened"].first
    assert f"<code>kernel_main</code>, lines {first}–{first + 3}, 2 removed" in source


def test_new_definition_says_where_it_goes(second):
    listings, source = second
    new = listings["new"]
    assert kinds(new) == ["a"] * 4, "where all is new marks tell nothing"
    assert new.after == MAIN.split("\n").index("void kernel_main(void)")
    assert "new, after <code>either</code>" in source
    assert source.count('class="listing all-new"') == 2


def test_removed_definition(second):
    listings, source = second
    assert listings["removed"].lines == [("del", "static void (*hook)(int);")]
    assert 'href="source/01-one/main.c.html#L19">main.c</a>, <code>hook</code>' in source


def test_removed_and_new_files(second):
    listings, source = second
    assert set(kinds(listings["removed file"])) == {"del"}
    assert listings["removed file"].file == "kernel.ld"
    assert 'extra.h.html#L1">extra.h</a>, line 1, new file' in source


def test_break_is_shown_as_a_change(second):
    source = second[1]
    figure = source[source.index('<figure class="listing" id="break-oops-main-c">') :]
    assert "<del>    <b>return</b> a;\n</del><a>}" in figure[:600]
    assert "break <code>oops</code>, lines 24–27, 1 removed" in figure[:600]


def test_other_sources_do_not_count(second):
    listings, source = second
    assert not {"break", "of common", "of another chapter"} & listings.keys()
    assert 'href="source/common/kernel.mk.html#L1">common/kernel.mk</a>' in source
    assert 'href="source/01-one/main.c.html#L19">01-one/main.c</a>' in source


# ---- Coverage


def not_covered(book):
    """What is said about a book that does not show all of itself."""
    worked, said = book.make("coverage")
    assert not worked
    assert not book.make("coverage")[0], "the next build does not let it pass"
    return said


def test_coverage_is_written(tmp_path):
    book = tiny_book.copy(tmp_path)
    texts = BOOT, MAIN, LD, MAKEFILE
    total = sum(1 for text in texts for line in text.splitlines() if line)
    assert book.read("build/book/coverage.tsv").splitlines() == [
        "chapter\tchanged\tshown\tpercent",
        f"01-one\t{total}\t{total}\t100.0",
        "02-two\t1\t1\t100.0",
    ]


def test_line_not_shown(tmp_path):
    book = tiny_book.copy(tmp_path)
    page = book.read("book/01-one.md")
    page = page.replace('file="main.c"', 'file="main.c" part="head"')
    book.write("book/01-one.md", page)
    said = not_covered(book)
    place = "chapters/01-one/main.c:8: new here, but no listing of book/01-one.md"
    assert f"{place} shows line 8-{len(MAIN.splitlines())}" in said
    table = book.read("build/book/coverage.tsv")
    assert re.search(r"01-one\t\d+\t\d+\t[5-9]\d\.\d", table)


def test_difference_by_accident(tmp_path):
    """A mistake in copying a chapter is a change that no prose tells."""
    book = tiny_book.copy(tmp_path)
    book.change("02-two", "main.c", "helper(origin.x)", "helper(origin.y)")
    said = not_covered(book)
    number = MAIN.split("\n").index("    helper(origin.x);") + 1
    assert f"chapters/02-two/main.c:{number}: new here" in said
    assert f"chapters/01-one/main.c:{number}: dropped by 02-two" in said


def test_file_lost_by_accident(tmp_path):
    book = tiny_book.copy(tmp_path)
    (tmp_path / "chapters/02-two/kernel.ld").unlink()
    said = not_covered(book)
    last = len(LD.splitlines())
    where = "chapters/01-one/kernel.ld:1: dropped by 02-two, but no listing of"
    assert f"{where} book/02-two.md shows line 1-{last}" in said


def test_blank_lines_do_not_count(tmp_path):
    book = tiny_book.copy(tmp_path)
    book.change("02-two", "main.c", "helper(origin.x);\n", "helper(origin.x);\n\n")
    assert book.make("coverage")[0]


HUNKS = {
    "same": ("a b", "a b", []),
    "added": ("a b", "a x b", [(1, 1, 1, 2)]),
    "removed": ("a x b", "a b", [(1, 2, 1, 1)]),
    "replaced": ("a x b", "a y b", [(1, 2, 1, 2)]),
    "new function, not the brace before": (
        "f { 1 } _ g { 2 }",
        "f { 1 } _ h { 3 } _ g { 2 }",
        [(5, 5, 5, 10)],
    ),
    "new function at the end": ("f { 1 }", "f { 1 } _ h { 3 }", [(4, 4, 4, 9)]),
    "changed end, new function": (
        "f { 1 } _ g { 2 }",
        "f { 5 } _ h { 3 } _ g { 2 }",
        [(2, 3, 2, 3), (5, 5, 5, 10)],
    ),
    "changed end, function gone": (
        "f { 5 } _ h { 3 } _ g { 2 }",
        "f { 1 } _ g { 2 }",
        [(2, 3, 2, 3), (5, 10, 5, 5)],
    ),
    "another function in its place": (
        "f { 1 } _ g",
        "h { 3 } _ g",
        [(0, 3, 0, 3)],
    ),
}


@pytest.mark.parametrize("name", HUNKS)
def test_hunks_read_well(name):
    old, new, hunks = HUNKS[name]
    old, new = (text.replace("_", "").split(" ") for text in (old, new))
    assert list(coverage.hunks(old, new)) == hunks


def test_ranges_pass_over_blank_lines():
    lines = ["a", "", "b", "c", "d"]
    assert coverage.ranges({1, 3, 5}, lines) == "1-3, 5"


# ---- What is made again


def made_pages(book):
    pages = (book.root / "build/book").glob("*.html")
    return {page.stem: page.stat().st_mtime_ns for page in pages}


def touch(book):
    book.write("book/01-one.md", book.read("book/01-one.md"))


def add_text(book):
    book.page("02-two", "Text.\n\n" + WHOLE.format("extra.h"))


def add_label(book):
    book.page("02-two", "## S {#sec:s}\n\n" + WHOLE.format("extra.h"))


def change_source(book):
    book.write("chapters/02-two/extra.h", NEW_FILE * 2)


# A source's page has a link to the same file in the chapter after.
ABOUT_SOURCES = {"source-01-one", "source-02-two", "changes-02-two"}


@pytest.mark.parametrize(
    "change, again",
    [
        (None, set()),
        (touch, {"01-one"}),
        (add_text, {"02-two"}),
        (add_label, {"01-one", "02-two", "source-02-two", "changes-02-two"}),
        (change_source, {"02-two", *ABOUT_SOURCES}),
    ],
)
def test_only_what_changed_is_made_again(change, again, tmp_path):
    book = tiny_book.copy(tmp_path)
    before = made_pages(book)
    if change:
        change(book)
    worked, said = book.make()
    assert worked, said
    after = made_pages(book)
    assert {name for name in after if after[name] != before[name]} == again

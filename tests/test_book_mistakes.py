"""test_book_mistakes.py: a mistake in the book stops its build, and is told
with the file and the line it stands on."""

import pytest

import tiny_book
from tiny_book import WHOLE

FIGURE = '![Caption](figures/{}.svg){{#fig:{} alt="What it shows."}}'

# What is written on a page of a chapter, and what the build says about it. All
# stand on one page, but each is a test.
MISTAKES = {
    # Listings
    "unknown file": ('``` {.code file="no.c"}\n```', "no file chapters/01-one/no.c"),
    "unknown name": (
        '``` {.code file="main.c" name="nobody"}\n```',
        'no definition of "nobody"; it defines LIMIT, ROWS, point',
    ),
    "unknown label": (
        '``` {.code file="boot.asm" name="nowhere"}\n```',
        'no definition of "nowhere"; it defines MAGIC, PORT, outb, start',
    ),
    "range backwards": (
        '``` {.code file="boot.asm" name="halt..start"}\n```',
        "has start before halt",
    ),
    "unknown text": (
        '``` {.code file="main.c" first="nothing" last="else"}\n```',
        'no line with "nothing"',
    ),
    "ambiguous text": (
        '``` {.code file="boot.asm" first="mov" last="hlt"}\n```',
        "in lines 7 and 8; quote more",
    ),
    "unknown end": (
        '``` {.code file="main.c" first="struct point {" last="otherwise"}\n```',
        'no line with "otherwise" after line 8',
    ),
    "unknown part": ('``` {.code file="main.c" part="tail"}\n```', "no part"),
    "unknown attribute": (
        '``` {.code file="main.c" symbol="x"}\n```',
        "no attribute symbol=",
    ),
    "listing with text": (
        '``` {.code file="main.c"}\nint x;\n```',
        "filled from the sources",
    ),
    "listing without file": ('``` {.code name="start"}\n```', 'needs file="..."'),
    "unknown chapter": (
        '``` {.code chapter="07-x" file="main.c"}\n```',
        "no file chapters/07-x/main.c",
    ),
    "unknown root": ('``` {.code root="etc" file="x.mk"}\n```', "no file etc/x.mk"),
    "nothing removed": (
        '``` {.code file="main.c" removed="helper"}\n```',
        "the previous chapter has no file main.c",
    ),
    # Other blocks
    "literal code": ("``` {.c}\nint x;\n```", "a code block is .code, .console"),
    "transcript of nothing": (
        "``` {.console}\n$ make\n```",
        'says run="chapter"',
    ),
    "transcript of no chapter": (
        '``` {.console run="07-x"}\n$ make\n```',
        "no chapter 07-x",
    ),
    "static without reason": (
        "``` {.console .static}\n$ make\n```",
        'says reason="..."',
    ),
    "gap in bits": (
        '``` {.bits #fig:g caption="C"}\n31:16 high\n14:0 low\n```',
        "bits 16 and 14: every bit",
    ),
    "bits twice": (
        '``` {.bits #fig:t caption="C"}\n31:16 high\n16:0 low\n```',
        "every bit",
    ),
    "unreadable bits": (
        '``` {.bits #fig:u caption="C"}\nhigh 31\n```',
        'cannot read the field "high 31"',
    ),
    "unknown kind of bits": (
        '``` {.bits #fig:k caption="C"}\n7:0 all .blue\n```',
        "no kind .blue",
    ),
    "bits without caption": (
        "``` {.bits #fig:c}\n7:0 all\n```",
        'needs caption="..."',
    ),
    "bits without id": ('``` {.bits caption="C"}\n7:0 all\n```', "needs an id"),
    # Boxes
    "unknown break": (
        '::: {.break name="no-such"}\nBroken.\n:::',
        "there is no tests/breaks/01-one/no-such.patch",
    ),
    "unknown exercise": (
        '::: {.exercise #ex:no check="no-such" level="hour"}\nDo it.\n:::',
        "there is no tests/exercises/01-one/no-such/solution.patch",
    ),
    "unknown level": (
        '::: {.exercise #ex:l check="x" level="year"}\nDo it.\n:::',
        'level="one-liner", "hour" or "evening"',
    ),
    "unknown box attribute": ('::: {.real nam="x"}\nX.\n:::', "no attribute nam="),
    # Figures
    "no picture": (FIGURE.format("none", "none"), "figures/none.svg does not exist"),
    "no description": (
        "![Caption](figures/plain.svg){#fig:d}",
        'needs a description, alt="..."',
    ),
    "no picture id": ('![Caption](figures/plain.svg){alt="A"}', "needs an id"),
    "fixed color": (FIGURE.format("red", "red"), "has the color #ff0000"),
    "picture in a line": (
        'Look: ![Caption](figures/plain.svg){#fig:l alt="A"}',
        "a paragraph of its own",
    ),
    "screen without description": (
        '![Caption](screens/01-one.png){#fig:s screen="01-one"}',
        'needs a description, alt="..."',
    ),
    "screen of no chapter": (
        '![Caption](screens/07-x.png){#fig:x screen="07-x" alt="A"}',
        "a chapter that does not exist",
    ),
    # Names
    "wrong kind of id": (
        FIGURE.format("plain", "k").replace("fig:", "tbl:"),
        'has to be "#fig:..."',
    ),
    "id twice": (
        f"{FIGURE.format('plain', 'twice')}\n\n{FIGURE.format('plain', 'twice')} ",
        'the id "fig-twice" is taken',
    ),
    "term twice": ("A [tag]{.def} is a [tag]{.def .again}.", '"def-tag" is taken'),
    "heading too deep": ("#### Deep {#deep}", "level 4 cannot follow one of level 1"),
    "note in a heading": ("#### Noted^[Note.] {#noted}", "note cannot stand"),
    "heading too high": ("# High {#high}", "level 1 cannot follow one of level 4"),
}

# Mistakes that only the second pass can see.
REFERENCES = {
    "figure": ("See @fig:nothing.", "nothing is called @fig:nothing"),
    "section": ("See @sec:nothing.", "nothing is called @sec:nothing"),
    "chapter": ("See @ch:07-x.", "nothing is called @ch:07-x"),
    "page": ("See [there](07-x.html#top).", "there is no page 07-x"),
    "own words": ("See [here](#tbl:nothing).", "nothing is called #tbl:nothing"),
    "term": ("A [gate]{.term} opens.", 'no page defines the term "gate"'),
    "unknown kind": ("Ask joe@example or @joe.", "nothing is called @joe"),
}

# Mistakes in what makes a page readable at all.
STRUCTURE = {
    "open code": ("Text.\n\n``` {.code}", "this code block is never closed"),
    "open box": ("Text.\n\n::: {.real}\nX.", "this box is never closed"),
    "closed box": ("Text.\n\n:::", 'this ":::" closes no box'),
    "bad attributes": ('``` {.console run="" static}\n```', "what stands in braces"),
    "bad span": ("A [gate]{def} opens.", "what stands in braces"),
}


def last_line(text):
    """The line of a mistake in its Markdown: a second use is the wrong one."""
    lines = text.rstrip("\n").split("\n")
    return len(lines) - 1 if lines[-1] == lines[0] + " " else 0


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Builds a book whose first page has mistakes: {name: line}, what was said."""

    def build_page(mistakes):
        book = tiny_book.copy(tmp_path_factory.mktemp("book"))
        book.write("book/figures/plain.svg", '<svg viewBox="0 0 9 9"><path/></svg>')
        red = '<svg viewBox="0 0 9 9"><path fill="#ff0000"/></svg>'
        book.write("book/figures/red.svg", red)
        text, lines = "", {}
        start = book.line("01-one", '{.code file="Makefile"}')
        for name, (markdown, _) in mistakes.items():
            lines[name] = start + text.count("\n") + last_line(markdown)
            text += markdown + "\n\n"
        book.page("01-one", text)
        worked, said = book.make()
        assert not worked
        assert "no listing" not in said, "this has to stop before coverage"
        return lines, said

    return build_page


@pytest.fixture(scope="module")
def mistakes(build):
    return build(MISTAKES)


@pytest.fixture(scope="module")
def references(build):
    return build(REFERENCES)


def told(said):
    """{line: complaint} of the page."""
    start = "book/01-one.md:"
    rows = [r.split(":", 2) for r in said.splitlines() if r.startswith(start)]
    return {int(line): complaint for _, line, complaint in rows}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_told(name, mistakes):
    lines, said = mistakes
    assert MISTAKES[name][1] in told(said).get(lines[name], said)


def test_nothing_else_is_told(mistakes):
    lines, said = mistakes
    assert sorted(told(said)) == sorted(lines.values())


@pytest.mark.parametrize("name", REFERENCES)
def test_wrong_reference_is_told(name, references):
    lines, said = references
    assert REFERENCES[name][1] in told(said).get(lines[name], said)


@pytest.mark.parametrize("name", STRUCTURE)
def test_what_pandoc_would_take_for_text(name, build):
    markdown, complaint = STRUCTURE[name]
    lines, said = build({name: (markdown, complaint)})
    (line,) = told(said)
    assert complaint in told(said)[line]
    assert line - lines[name] == (2 if markdown.startswith("Text") else 0)


def test_page_without_description(tmp_path):
    book = tiny_book.copy(tmp_path)
    book.write("book/01-one.md", "---\ntitle: One\n---\n\nText.\n")
    worked, said = book.make()
    assert not worked and "book/01-one.md:1: the page has no description:" in said


def test_label_on_two_pages(tmp_path):
    book = tiny_book.copy(tmp_path)
    for name in ("01-one", "02-two"):
        text = book.read(f"book/{name}.md").split("---\n", 2)[2]
        book.page(name, f"## Section {{#sec:same}}\n{text}")
    worked, said = book.make()
    assert not worked
    line = book.line("02-two", "#sec:same")
    assert f"book/02-two.md:{line}: sec:same is already on the page 01-one" in said


def test_line_too_long(tmp_path):
    book = tiny_book.copy(tmp_path)
    book.write("chapters/02-two/extra.h", f"// {'x' * 70}\n")
    worked, said = book.make()
    assert not worked
    assert "chapters/02-two/extra.h:1 has 73 columns; a listing has room for 72" in said


def test_draft_goes_on(tmp_path):
    book = tiny_book.copy(tmp_path)
    book.page("02-two", f"See @fig:nothing.\n\n{WHOLE.format('none.h')}")
    worked, said = book.make("DRAFT=1")
    assert worked and "no file" in said and "@fig:nothing" in said
    assert "See" in book.html("02-two")
    worked, _ = book.make()
    assert not worked, "what a draft left is not taken for finished"

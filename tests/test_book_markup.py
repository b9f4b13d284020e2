"""test_book_markup.py: what becomes of the book's own markup, on one page."""

import re
import struct
import zlib

import pytest

import tiny_book
from tiny_book import FILES, NEW_FILE, WHOLE
from webpage import Page

PICTURE = """\
<?xml version="1.0"?>
<!-- drawn by hand -->
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 608 100">
  <title>A picture</title>
  <marker id="tip"><path d="M0 0"/></marker>
  <path marker-end="url(#tip)" stroke="currentColor"/>
</svg>
"""

FIRST = """\
A [trap frame]{.def} is what the CPU pushes. It is small: eight bytes
(see @fig:gate). An [IDT]{.def gloss="The table of gates."} has gates.

## Entry & exit {#sec:entry}

Text.^[A note with `code`.] More.[^2]

[^2]: The second
    note.

![One picture](figures/one.svg){#fig:one alt="What it shows & why."}

![Again](figures/one.svg){#fig:two .wide alt="The same."}

``` {.bits #fig:gate caption="A gate in `idt`" row="16"}
31:16 offset .addr
15    present .flag
14:0  reserved for <later> .rsv
```

![The screen](screens/01-one.png){#fig:screen screen="01-one" alt="One line."}

| a | b |
|---|---|
| 1 | 2 |

: Numbers {#tbl:numbers}

``` {.code file="main.c" name="point" #lst:point}
```

### Deeper {#sol:one}

::: {.break name="oops"}
It breaks.
:::

::: {.exercise #ex:one check="one" level="hour"}
Do *it*.

::: hint
So.
:::
:::

::: real
Others do.
:::

::: {.limits title="Limits"}
None.
:::

``` {.console run="01-one"}
$ make debug
Reading & waiting
<here>
(gdb) stepi
(qemu) info registers
kernel> fault null
kernel>
```

``` {.sketch .c}
int x;
```

Two to the $2^{32}$; `a]{.b}` stays.

"""

SECOND = """\
See @fig:two, @tbl:numbers, @lst:point, @ex:one, @sec:entry, @ch:01-one,
@page:index and [own words](#fig:screen). [Trap frames]{.term} and
[tables]{.term key="idt"}.

"""

INDEX = """\
---
title: Index
description: A book.
---

## The chapters

::: {.chapters}
:::

::: {.appendices}
:::
"""

GLOSSARY = """\
---
title: Glossary
description: All terms.
---

::: {.glossary}
:::
"""


def png(width, height):
    """The beginning of a PNG, as far as the book looks at it."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + check


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    book = tiny_book.copy(tmp_path_factory.mktemp("book"))
    book.write("book/figures/one.svg", PICTURE)
    book.write("tests/breaks/01-one/oops.patch", "Break: x\n")
    book.write("tests/exercises/01-one/one/solution.patch", "")
    book.write("book/index.md", INDEX)
    book.write("book/appendix-glossary.md", GLOSSARY)
    book.page("01-one", FIRST + "".join(map(WHOLE.format, FILES)))
    book.page("02-two", SECOND + WHOLE.format("extra.h"))
    screen = book.root / "build/book/screens/01-one.png"
    screen.parent.mkdir()
    screen.write_bytes(png(720, 400))
    worked, said = book.make()
    assert worked, said
    return book


@pytest.fixture(scope="module")
def first(book):
    """The page's text between the listing's lines and other markup of a line."""
    source = book.html("01-one")
    return source[source.index("<main") :]


def test_definitions(first):
    assert '<dfn id="def-trap-frame">trap frame</dfn>' in first
    assert '<dfn id="def-idt">IDT</dfn>' in first


def test_figures_are_numbered_in_order(first):
    numbers = re.findall(r'<span class="number">(.*?)</span>', first)
    assert numbers == [
        *("Figure 1.1.", "Figure 1.2.", "Figure 1.3.", "Figure 1.4."),
        *("Table 1.1.", "Listing 1.1."),
    ]


def test_picture_is_part_of_the_page(first):
    start = first.index('<figure class="figure" id="fig-one">')
    figure = first[start : first.index("</figure>", start)]
    assert '<title id="fig-one-title">A picture</title>' in figure
    assert '<desc id="fig-one-desc">What it shows &amp; why.</desc>' in figure
    assert '<marker id="fig-one-tip">' in figure and "url(#fig-one-tip)" in figure
    assert "<?xml" not in figure and "drawn by hand" not in figure
    assert '<figure class="figure wide" id="fig-two">' in first


def test_layout_of_bits(first):
    start = first.index('id="fig-gate"')
    figure = first[start : first.index("</figure>", start)]
    assert figure.count("<rect") == 3
    assert "bits 31 to 16: offset; bit 15: present; bits 14 to 0: res" in figure
    assert "reserved for &lt;later&gt;" in figure
    assert "A gate in <code>idt</code>" in figure


def test_screen_has_its_size(first):
    place = 'src="screens/01-one.png" width="720" height="400" alt="One line."'
    assert f"<img {place}>" in first


def test_table_scrolls_in_its_box(first):
    assert re.search(r'<div class="scroll table"[^>]*aria-label="Numbers"', first)
    assert '<table id="tbl-numbers">' in first and "{#tbl" not in first


def test_side_notes_follow_their_paragraph(first):
    text, note, second = (first.index(t) for t in ("Text.<a", "A note", "The second"))
    assert text < note < second < first.index("fig-one")
    assert re.search(r'</p>\s*<aside class="sidenote" id="sn1"', first[text:])
    for number in "12":
        assert f'id="sn{number}-ref" href="#sn{number}"' in first
        assert f'href="#sn{number}-ref"' in first
    assert "footnote" not in first


def test_boxes(first):
    for text in (
        '<p class="box-title" id="break-oops-title">Break it</p>',
        '<kbd class="cmd">make break BREAK=oops</kbd>',
        'id="ex-one-title">Exercise 1.1 <span class="level">hour</span></p>',
        '<kbd class="cmd">make check EXERCISE=one</kbd>',
        ">In real kernels</p>",
        ">Limits</p>",
    ):
        assert text in first
    labels = re.findall(r'role="group" aria-labelledby="([^"]*)"', first)
    assert len(labels) == 4
    assert all(f'id="{label}"' in first for label in labels)


def test_transcript(first):
    before, after = first.split("make debug")
    console = before[-60:] + "make debug" + after[: after.index("</pre>")]
    assert '<span class="prompt">$ </span><kbd class="cmd">make debug</kbd>' in console
    assert "<samp>Reading &amp; waiting\n&lt;here&gt;</samp>" in console
    assert '<span class="prompt">(gdb) </span><kbd class="cmd">stepi</kbd>' in console
    assert '(qemu) </span><kbd class="cmd">info registers</kbd>' in console
    asked = '<span class="prompt">kernel&gt; </span><kbd class="cmd">fault null</kbd>'
    assert f"{asked}\n<samp>kernel&gt;</samp>" in console


def test_sketch_mathematics_and_code(first):
    assert '<pre class="sketch" tabindex="0">' in first and "<u>int</u> x;" in first
    assert "<msup>" in first
    assert "<code>a]{.b}</code>" in first


def test_references_over_pages(book):
    source = book.html("02-two").replace("\u00a0", " ")
    links = dict(re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', source))
    assert links["01-one.html#fig-two"] == "Figure 1.2"
    assert links["01-one.html#tbl-numbers"] == "Table 1.1"
    assert links["01-one.html#lst-point"] == "Listing 1.1"
    assert links["01-one.html#ex-one"] == "Exercise 1.1"
    assert links["01-one.html#sec-entry"] == "“Entry & exit” in chapter 1".replace(
        "&", "&amp;"
    )
    assert links["01-one.html#fig-screen"] == "own words"
    assert links["appendix-glossary.html#term-trap-frame"] == "Trap frames"
    assert links["appendix-glossary.html#term-idt"] == "tables"
    assert "chapter 1" in source and links["index.html"] == "“Index”"


def test_glossary_quotes_definitions(book):
    source = book.html("appendix-glossary").replace("\n", " ")
    assert '<dt id="term-idt">IDT</dt> <dd> The table of gates. <a' in source
    sentence = "A <strong>trap frame</strong> is what the CPU pushes. <a"
    assert sentence in source
    assert 'href="01-one.html#def-trap-frame">“Chapter”</a>' in source


def test_contents_and_neighbours(book):
    source = book.html("index")
    entries = re.findall(r'<li value="(\d)"><a href="([^"]*)">(.*?)</a>', source)
    assert entries == [("1", "01-one.html", "Chapter"), ("2", "02-two.html", "Chapter")]
    [entry] = re.findall(r'<ul class="appendices"><li>(.*?)</li></ul>', source)
    assert entry == '<a href="appendix-glossary.html">Glossary</a><p>All terms.</p>'
    page = Page(book.root / "build/book/02-two.html")
    links = {e.attributes.get("rel"): e.attributes.get("href") for e in page.all("a")}
    assert links["prev"] == "01-one.html"
    assert links["next"] == "appendix-glossary.html"


def test_sources_are_listed_and_copied(book):
    source = book.html("source-02-two")
    for name in (*FILES, "extra.h"):
        assert f'<a href="source/02-two/{name}.html">{name}</a>' in source
    assert source.count("unchanged") == len(FILES)
    assert '<td><a href=changes-02-two.html#extra.h>new</a>' in source
    assert book.read("build/book/source/02-two/extra.h.txt") == NEW_FILE


def test_pages_come_out_the_same_again(book):
    names = ("01-one", "02-two", "appendix-glossary")
    before = [book.html(name) for name in names]
    for path in (book.root / "build/book/.cache").glob("*.json"):
        path.unlink()
    worked, said = book.make()
    assert worked, said
    assert [book.html(name) for name in names] == before

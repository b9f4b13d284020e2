"""test_book.py: what holds for every page of the book's website."""

import functools
import gzip
import re
from urllib.parse import unquote, urlsplit

import chapters
import site_of_book
from webpage import RECORDINGS, Page

BYTES_PER_WORD = 60_000 / 5_000
PACKED_PER_WORD = 25_000 / 5_000  # compressed, as servers send it
# Of tables, in which a word is short.
OF_NUMBERS = "appendix-costs", "appendix-matrix", "appendix-mutants"
PACKED_CODE = 6  # a word of code has its color and its link
FRAME = 12_000  # bytes of a head, navigation, a foot, lists of links
PACKED_FRAME = 5_000


@functools.cache
def read(name):
    return Page(site_of_book.page(name))


def every_page(check):
    """Makes a test of what holds for a page: it is looked for on each of the site's,
    and fails with a line for each page on which it does not hold."""

    def test():
        told = []
        for name in site_of_book.everything():
            if name == "404":
                continue  # shown at any address, in any directory; see its comment
            try:
                check(name)
            except AssertionError as error:
                told.append(f"{name}.html: {error}".replace("\n", " "))
        assert not told, "\n" + "\n".join(told)

    return test


def references(page, *names):
    """Every address in the page's elements with the names, or in all."""
    elements = page.all(*names) if names else page.elements
    for element in elements:
        for key in ("href", "src", "poster", "data"):
            if key in element.attributes:
                yield element.line, element.attributes[key]


def loaded(page):
    """The addresses that a browser asks for when it shows the page."""
    sheets = [
        element.attributes["href"]
        for element in page.all("link")
        if element.attributes["rel"] in ("stylesheet", "preload", "icon")
    ]
    others = [address for _, address in references(page, "img", "script", "iframe")]
    return {a for a in [*sheets, *others] if not a.startswith("data:")}


# ---- The book as a whole


def test_chapters_without_a_page_come_last():
    told = site_of_book.chapters_told()
    assert told == chapters.names()[: len(told)] and told


def test_pages_show_every_changed_line():
    table = (site_of_book.made() / "coverage.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in table[1:]]
    assert [row[0] for row in rows] == site_of_book.chapters_told()
    for chapter, changed, shown, percent in rows:
        assert (changed, percent) == (shown, "100.0"), chapter
        assert int(changed) > 0


def test_style_sheet_stays_at_home():
    for sheet in site_of_book.made().glob("*.css"):
        for address in re.findall(r"url\(([^)]*)\)|@import", sheet.read_text()):
            assert (sheet.parent / address.strip("\"'")).is_file(), address


# ---- Each page


@every_page
def test_links_lead_somewhere(name):
    for line, address in references(read(name)):
        parts = urlsplit(address)
        if parts.scheme or not address:
            continue
        assert not parts.path.startswith("/"), f"{line}: {address} is not relative"
        there = target(name, parts.path)
        assert there.is_file(), f"{line}: no file {address}"
        if parts.fragment and there.suffix == ".html":
            ids = ids_of(there)
            assert parts.fragment in ids, f"{line}: no place {address}"


def target(name, path):
    """The file to which a path leads from a page."""
    page = site_of_book.page(name)
    return (page.parent / unquote(path)).resolve() if path else page


@functools.cache
def ids_of(path):
    name = str(path.relative_to(site_of_book.made().resolve()).with_suffix(""))
    return {*read(name).ids()}


@every_page
def test_nothing_comes_from_other_hosts(name):
    page = read(name)
    for address in loaded(page):
        assert not urlsplit(address).netloc, address
    styles = [e.attributes["style"] for e in page.elements if "style" in e.attributes]
    assert not any("url(" in style for style in styles)


@every_page
def test_page_is_light(name):
    """Its HTML, and the recordings that its scripts show, by the words it has."""
    page = read(name)
    size, packed = len(page.source.encode()), len(gzip.compress(page.source.encode()))
    packed += sum(len(gzip.compress(shown)) for shown in recordings(page, name))
    code = name.startswith(("source/", "changes-", "solutions-"))
    for_words = page.words * BYTES_PER_WORD
    packed_for_words = page.words * (PACKED_CODE if code else PACKED_PER_WORD)
    said = f"{size} bytes, {packed} compressed, for {page.words} words"
    assert code or name in OF_NUMBERS or size <= FRAME + for_words, said
    assert packed <= PACKED_FRAME + packed_for_words, said


def recordings(page, name):
    scripts = [s.attributes["src"] for s in page.all("script") if "src" in s.attributes]
    for script in scripts:
        yield from RECORDINGS.findall(target(name, script).read_bytes())


@every_page
def test_ids_are_unique(name):
    ids = read(name).ids()
    assert len(ids) == len(set(ids)), {i for i in ids if ids.count(i) > 1}


@every_page
def test_headings_descend_step_by_step(name):
    headings = read(name).all("h1", "h2", "h3", "h4", "h5", "h6")
    levels = [int(heading.name[1]) for heading in headings]
    assert levels.count(1) == 1 and levels[0] == 1
    for above, level in zip(levels, levels[1:]):
        assert level <= above + 1, levels


@every_page
def test_pictures_are_described_and_sized(name):
    page = read(name)
    for image in page.all("img"):
        assert image.attributes.get("alt"), image.line
        assert int(image.attributes["width"]) and int(image.attributes["height"])
    ids = set(page.ids())
    for svg in page.all("svg"):
        named = svg.attributes.get("aria-labelledby", "").split()
        hidden = svg.attributes.get("aria-hidden") == "true"
        assert hidden or named and ids.issuperset(named), svg.line
        assert {"viewBox", "viewbox", "height"} & set(svg.attributes)


@every_page
def test_what_scrolls_can_be_reached_by_keyboard(name):
    page = read(name)
    for element in page.elements:
        classes = element.attributes.get("class", "").split()
        if element.name == "pre" or "scroll" in classes:
            assert element.attributes.get("tabindex") == "0", element.line


@every_page
def test_links_have_names(name):
    links = re.findall(r"<a\b([^>]* href=[^>]*)>(.*?)</a>", read(name).source, re.S)
    for attributes, content in links:
        text = re.sub(r"<[^>]*>", "", content).strip()
        named = text or "aria-label=" in attributes
        assert named or "aria-hidden=true" in attributes.replace('"', ""), attributes


@every_page
def test_nothing_is_left_of_the_markdown(name):
    source = read(name).source
    assert "srcline" not in source
    text = re.sub(r"<pre.*?</pre>|<code>.*?</code>", "", source, flags=re.S)
    assert not re.search(r"\{[.#]|:::|@(fig|tbl|lst|sec|ex|ch|page):", text)


@every_page
def test_page_says_what_it_is(name):
    page = read(name)
    assert page.all("html")[0].attributes.get("lang") == "en"
    metas = {m.attributes.get("name"): m.attributes for m in page.all("meta")}
    described = metas.get("description", {}).get("content", "")
    assert len(described) > 20, f"described as {described!r}"

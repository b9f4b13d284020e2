"""test_book_editions.py: the whole book as an EPUB, a PDF and a zip file."""

import functools
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

import chapters
import site_of_book
from webpage import Page

EDITIONS = chapters.ROOT / "book/editions"
EPUBCHECK = Path("/usr/share/java/epubcheck.jar")  # Debian's command needs binfmt
XHTML = "{http://www.w3.org/1999/xhtml}"
NOT_TEXT = {"script", "template", "dialog", "button", "title", "desc"}
SITE_ONLY = {"toc", "cover", "editions", "start"}
PLACES = "document.querySelectorAll('link[rel=preload], .editions').length"
FONTS = """document.fonts.ready.then(() => [...document.fonts]
    .filter(font => font.status === "loaded").map(font => font.family))"""
STEPPER = "document.querySelector('trap-stepper')"
# Each character of the document once for each font that it is asked in.
SAMPLES = """(() => {
  const found = {}, walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const style = getComputedStyle(walker.currentNode.parentElement);
    const font = [style.fontStyle, style.fontWeight, style.fontFamily].join(";");
    for (const letter of walker.currentNode.data.trim()) (found[font] ??= new Set()).add(letter);
  }
  Object.entries(found).forEach(([font, letters], number) => {
    const sample = document.createElement("p");
    [sample.style.fontStyle, sample.style.fontWeight, sample.style.fontFamily] = font.split(";");
    sample.id = "sample" + number;
    sample.textContent = [...letters].join("");
    document.body.append(sample);
  });
  return Object.keys(found).length;
})()"""

every_page = pytest.mark.parametrize("name", site_of_book.names())


def edition(kind):
    path = site_of_book.made() / f"trapframe.{kind}"
    assert path.exists(), f"there is no {path.name}: run ./setup --test"
    return path


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def squeezed(text):
    return "".join(text.split())


class Text(Page):
    """A page of the site, with the texts that an edition has too."""

    def __init__(self, path):
        self.pieces = []
        super().__init__(path)

    def handle_data(self, text):
        super().handle_data(text)
        names = [element.name for element in self.open]
        classes = [element.attributes.get("class", "").split() for element in self.open]
        classes = {each for some in classes for each in some}
        time = "p" in names and "number" in classes  # that it takes to read the page
        left_out = NOT_TEXT & {*names} or SITE_ONLY & classes or time
        if "main" in names and not left_out:
            self.pieces.append(squeezed(text))


@functools.cache
def site(name):
    return Text(site_of_book.page(name))


def headings(name):
    """(address, heading) of each section and subsection of a page."""
    ids = [e.attributes["id"] for e in site(name).all("h2", "h3")]
    source = site_of_book.page(name).read_text()
    for identifier in ids:
        inner = re.search(rf'<h[23][^>]* id="{identifier}".*?</h[23]>', source, re.S)
        yield f"{name}.xhtml#{identifier}", squeezed(re.sub("<[^>]*>", "", inner[0]))


def listings(source):
    return len(re.findall(r'<figure[^>]* class="listing', source))


# ---- EPUB


@functools.cache
def epub():
    """The files of the EPUB; of those that are text, the text."""
    with zipfile.ZipFile(edition("epub")) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    return {
        name: content.decode() if name.endswith(("xhtml", "opf", "css")) else content
        for name, content in contents.items()
    }


def xhtml(name):
    return ElementTree.fromstring(epub()[f"book/{name}.xhtml"])


def test_epubcheck_has_nothing_to_say():
    assert EPUBCHECK.exists(), "no epubcheck: run ./setup --test"
    said = run("java", "-jar", EPUBCHECK, "--failonwarnings", edition("epub"))
    assert "0 fatals / 0 errors / 0 warnings" in said


def test_epub_has_all_pages_in_their_order():
    package = epub()["book/package.opf"]
    spine = re.findall(r'<itemref idref="id-(.*)-xhtml"', package)
    order = re.findall(r'href="([\w-]+)\.xhtml"', epub()["book/nav.xhtml"])
    assert sorted(spine[2:]) == site_of_book.names()
    assert spine[2:4] == ["index", "using"]
    assert [name for name in order if name in spine[2:]] == spine[2:] + ["index"]


@every_page
def test_epub_has_the_text_of_the_page(name):
    there = squeezed("".join(xhtml(name).itertext()))
    assert len(site(name).pieces) > 10
    for piece in site(name).pieces:
        assert piece in there


@every_page
def test_epub_contents_name_each_heading(name):
    links = xhtml("nav").iter(f"{XHTML}a")
    links = {a.get("href"): squeezed("".join(a.itertext())) for a in links}
    for address, heading in headings(name):
        assert links.get(address) == heading


@every_page
def test_epub_has_every_listing_and_its_marks(name):
    page, source = xhtml(name), site_of_book.page(name).read_text()
    figures = page.iter(f"{XHTML}figure")
    codes = [f.find(f"{XHTML}pre/{XHTML}code") for f in figures if "listing" in f.get("class")]
    lines = [line for code in codes for line in code]
    assert listings(epub()[f"book/{name}.xhtml"]) == listings(source)
    marked = Counter(line[0].text for line in lines)
    kinds = [kind for listing in site(name).listings for kind, _ in listing.lines]
    breaks = len(lines) - len(kinds)  # lines of patches: they are not the kernel's
    assert 0 <= marked["+ "] - kinds.count("ins") <= breaks
    assert 0 <= marked["\u2212 "] - kinds.count("del") <= breaks


def test_epub_needs_no_css_variables_and_no_scripts():
    for name, content in epub().items():
        if isinstance(content, str):
            assert "var(--" not in content, name
            assert "<script" not in content and "tabindex" not in content, name


# ---- PDF


@functools.cache
def paper():
    """The text of each page of the PDF."""
    return run("pdftotext", "-layout", edition("pdf"), "-").split("\f")


def test_pdf_is_tagged_and_carries_its_fonts():
    said = run("pdfinfo", edition("pdf"))
    assert re.search(r"^Tagged: +yes$", said, re.M)
    assert re.search(r"^Page size: .*\(A4\)$", said, re.M)
    fonts = run("pdffonts", edition("pdf")).splitlines()[2:]
    assert fonts and all(re.search(r" yes (yes|no ) yes +\d+ +0$", font) for font in fonts)


def test_pdf_outline_has_every_heading():
    said = run("pdftohtml", "-xml", "-i", "-f", "1", "-l", "1", "-stdout", edition("pdf"))
    outline = re.search("<outline>.*</outline>", said, re.S)[0]
    outline = ElementTree.fromstring(outline)
    items = Counter(squeezed("".join(item.itertext())) for item in outline.iter("item"))
    wanted = Counter(h for name in site_of_book.names() for _, h in headings(name))
    assert wanted and not wanted - items


def test_pdf_contents_name_the_right_pages():
    entry = re.compile(r"^ *(\S.*?) {2,}(\d+)$", re.M)
    _, start = entry.search(paper()[1]).groups()  # the first page of the text
    entries = [found for text in paper()[1 : int(start) - 1] for found in entry.findall(text)]
    chief = sum(len(site(name).all("h1", "h2")) for name in site_of_book.names())
    assert len(entries) == chief
    for heading, number in entries:
        heading = squeezed(re.sub(r"^\d+\. ", "", heading))
        assert heading in squeezed(paper()[int(number) - 1]), (heading, number)


def printed():
    """The document that Chromium prints."""
    return edition("pdf").parent / ".cache/print.html"


def test_pdf_has_every_listing():
    sources = [site_of_book.page(name).read_text() for name in site_of_book.names()]
    assert listings(printed().read_text()) == sum(map(listings, sources)) > 100


def test_pdf_lacks_no_glyph(browser):
    browser.open(printed())
    browser.run("document.fonts.ready.then(() => 0)")
    count = browser.run(SAMPLES)
    browser.ask("DOM.enable")
    browser.ask("CSS.enable")
    root = browser.ask("DOM.getDocument", depth=0)["root"]["nodeId"]
    assert count > 3
    for number in range(count):
        sample = browser.ask("DOM.querySelector", nodeId=root, selector=f"#sample{number}")
        fonts = browser.ask("CSS.getPlatformFontsForNode", **sample)["fonts"]
        text = browser.run(f"sample{number}.textContent")
        assert fonts and all(font["isCustomFont"] for font in fonts), (fonts, text)


# ---- Zip


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    directory = tmp_path_factory.mktemp("zip")
    with zipfile.ZipFile(edition("zip")) as archive:
        archive.extractall(directory)
    return directory / "trapframe"


def test_zip_is_the_site_without_the_editions(unpacked):
    files = {str(p.relative_to(unpacked)) for p in unpacked.rglob("*") if p.is_file()}
    assert {"index.html", "style.css", "source/01-boot/boot.asm.txt"} <= files
    assert {f"{name}.html" for name in site_of_book.names()} <= files
    assert not any(name.startswith(("trapframe.", ".")) for name in files)


def test_zip_has_what_its_pages_link_to(unpacked):
    for path in unpacked.glob("*.html"):
        for element in Page(path).elements:
            address = urlsplit(element.attributes.get("href") or "")
            if address.path and not address.scheme and path.name != "404.html":
                assert (path.parent / address.path).exists(), (path.name, address.path)


@pytest.mark.parametrize("name", ["index", "04-returning", "08-heap"])
def test_zip_works_without_a_server(unpacked, browser, name):
    browser.ask("Log.enable")
    browser.open(unpacked / f"{name}.html")
    assert {"Text", "Mono"} <= set(browser.run(FONTS))
    assert browser.run(PLACES) == 0
    logged = [m["params"]["entry"] for m in browser.events if m["method"] == "Log.entryAdded"]
    assert not [entry for entry in logged if entry["level"] == "error"]
    assert not browser.errors()


def test_stepper_of_the_zip_steps(unpacked, browser):
    browser.open(unpacked / "04-returning.html")
    before = browser.run(f"{STEPPER}.ariaLabel && {STEPPER}.innerText")
    browser.run(f"{STEPPER}.show(3)")
    assert browser.run(f"{STEPPER}.innerText") != before


# ---- Each time the same


@pytest.mark.parametrize("kind, script", [("epub", "epub.py"), ("zip", "offline.py")])
def test_the_same_pages_make_the_same_bytes(tmp_path, kind, script):
    made = []
    for directory in (tmp_path / "a", tmp_path / "b"):
        shutil.copytree(
            site_of_book.made(),
            directory,
            ignore=shutil.ignore_patterns(".cache", "trapframe.*"),
        )
        for path in directory.rglob("*"):
            os.utime(path, (0, len(made) * 10**9))
        pages = site_of_book.names() if kind == "epub" else []
        run(sys.executable, EDITIONS / script, directory, *pages)
        made.append((directory / f"trapframe.{kind}").read_bytes())
    assert made[0] == made[1]

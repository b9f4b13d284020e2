#!/usr/bin/env python3
"""pdf.py: the book on paper, that is as a PDF.

    pdf.py DIRECTORY PAGE...      makes DIRECTORY/trapframe.pdf of the site there

All pages become one document, .cache/print.html, which Chromium prints: twice, as
the contents need the numbers of the pages. The first time they are zeros; then
pdfinfo says on which page each heading is.
"""

import base64
import re
import subprocess
import sys
import time
from html import escape
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pages
import theme

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "tests"))
import browser  # noqa: E402

TITLE = "Trapframe: an x86-64 kernel in C, one bootable chapter at a time"
DOCUMENT = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>{style}</style>
</head>
<body class="print">
<section class="book-cover">{cover}</section>
<section class="contents">
<h1>Contents</h1>
<ol>
{contents}</ol>
</section>
{body}
</body>
</html>
"""
ENTRY = '<li class="level-{}"><a href="#{}"><span>{}</span><i></i><b>{}</b></a></li>\n'
# The running head needs a kind of page for each chapter.
RUNNING_HEAD = '@page p{} {{ @top-left {{ content: "{}" }} }}\n'
DATE = re.compile(rb"(/(?:Creation|Mod)Date \(D:)\d{14}")
REFERS = ("aria-labelledby", "aria-describedby", "headers", "for")
PRINT = {
    "preferCSSPageSize": True,
    "printBackground": True,
    "generateDocumentOutline": True,
}


# ---- One document of all pages


def place(page, identifier=""):
    """The id that an element of a page has in the document."""
    return f"{page}/{identifier}" if identifier else page


def join(page):
    """Makes the page's ids and addresses those of the document."""
    for element in page.main.iter():
        if "id" in element.attrib:
            element.set("id", place(page.name, element.get("id")))
        for name in REFERS:
            if name in element.attrib:
                ids = [place(page.name, i) for i in element.get(name).split()]
                element.set(name, " ".join(ids))
        if "src" in element.attrib:
            element.set("src", "../" + element.get("src"))
        if "href" in element.attrib:
            element.set("href", joined(element.get("href"), page.name))
        if element.tag == "details":
            element.set("open", "")


def joined(address, page):
    parts = urlsplit(address)
    if parts.scheme:
        return address
    return "#" + place(parts.path.removesuffix(".html") or page, parts.fragment)


def body(book):
    for number, page in enumerate(book):
        join(page)
        page.main.tag = "section"
        page.main.attrib = {"id": page.name, "class": "chapter", "style": f"page:p{number}"}
        yield ElementTree.tostring(page.main, "unicode", method="html")


def headings(book):
    """(level, id in the document, heading) of what the contents list."""
    for page in book:
        yield 1, page.name, page.full_title
        for level, identifier, heading in page.sections:
            if level == 2:
                yield level, place(page.name, identifier), heading


def style(book):
    titles = [page.full_title.replace('"', r"\22 ") for page in book]
    heads = [RUNNING_HEAD.format(*pair) for pair in enumerate(titles)]
    return theme.style("../") + (HERE / "print.css").read_text() + "".join(heads)


def contents(book, pages_of):
    return "".join(
        ENTRY.format(level, identifier, escape(heading), pages_of.get(identifier, 0))
        for level, identifier, heading in headings(book)
    )


# ---- Printing it


def printed(document, pdf, tagged):
    """Prints the document; the page of each id that a link leads to."""
    browser.SECONDS = 300  # it is long, and the machine may be busy
    with browser.Browser() as chromium:
        chromium.open(document)
        chromium.run("document.fonts.ready.then(() => 0)")
        data = chromium.ask("Page.printToPDF", **PRINT, generateTaggedPDF=tagged)["data"]
    pdf.write_bytes(DATE.sub(rb"\g<1>%d" % date(), base64.b64decode(data)))
    said = subprocess.run(
        ["pdfinfo", "-dests", pdf], check=True, capture_output=True, text=True
    ).stdout
    return {name: int(page) for page, name in re.findall(r'^ *(\d+) .*"(.*)"$', said, re.M)}


def date():
    return int(time.strftime("%Y%m%d%H%M%S", time.gmtime(pages.date())))


def main(directory, names):
    document, pdf = directory / ".cache/print.html", directory / "trapframe.pdf"
    book = pages.read(directory, names)
    parts = {
        "title": TITLE,
        "style": style(book),
        "cover": (HERE / "cover.svg").read_text(),
        "body": "\n".join(body(book)),
    }
    pages_of, found = None, {}
    while pages_of != found:
        pages_of = found
        document.write_text(DOCUMENT.format(contents=contents(book, pages_of), **parts))
        found = printed(document, pdf, tagged=bool(pages_of))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

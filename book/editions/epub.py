#!/usr/bin/env python3
"""epub.py: the book for e-readers, an EPUB 3.

    epub.py DIRECTORY PAGE...     makes DIRECTORY/trapframe.epub of the site there

Each page of the site becomes an XHTML file. E-readers know less of CSS than
browsers do: no variables, no generated line numbers. So the theme's colors are
put where its variables are, and the marks of a listing become text. The date is
that of SOURCE_DATE_EPOCH, so that the same sources make the same bytes.
"""

import re
import sys
import time
from html import escape
from pathlib import Path
from xml.etree import ElementTree

import archive
import pages
import theme

HERE = Path(__file__).resolve().parent
TITLE = "Trapframe"
SUBTITLE = "An x86-64 kernel in C, one bootable chapter at a time"
IDENTIFIER = "urn:uuid:6f1d3c0e-5a86-4a5e-9d0c-7ba1f2c4e964"

CONTAINER = """\
<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles>
<rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/>
</rootfiles>
</container>
"""
PACKAGE = """\
<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" xml:lang="en" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">{identifier}</dc:identifier>
<dc:title id="title">{title}</dc:title>
<meta refines="#title" property="title-type">main</meta>
<dc:title id="subtitle">{subtitle}</dc:title>
<meta refines="#subtitle" property="title-type">subtitle</meta>
<dc:language>en</dc:language>
<dc:rights>Text and figures: CC BY 4.0. Code: MIT license.</dc:rights>
<meta property="dcterms:modified">{modified}</meta>
<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">longDescription</meta>
<meta property="schema:accessibilityFeature">MathML</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityFeature">structuralNavigation</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta name="cover" content="cover-png"/>
</metadata>
<manifest>
{manifest}</manifest>
<spine>
{spine}</spine>
</package>
"""
PAGE = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" \
xml:lang="en" lang="en">
<head>
<meta charset="utf-8"/>
<title>{title}</title>
<link rel="stylesheet" href="style.css"/>
</head>
<body>
{body}
</body>
</html>
"""
COVER = '<p class="cover"><img src="cover.png" alt="Trapframe. {}"/></p>'
NAVIGATION = """\
<nav epub:type="toc" id="toc">
<h1>Contents</h1>
{contents}
</nav>
<nav epub:type="landmarks" hidden="hidden">
<ol>
<li><a epub:type="cover" href="cover.xhtml">Cover</a></li>
<li><a epub:type="toc" href="nav.xhtml">Contents</a></li>
<li><a epub:type="bodymatter" href="{first}.xhtml">Start</a></li>
</ol>
</nav>"""
MARKS = {"a": "  ", "ins": "+ ", "del": "\u2212 "}
TYPES = {
    ".xhtml": "application/xhtml+xml",
    ".css": "text/css",
    ".png": "image/png",
    ".woff2": "font/woff2",
}


# ---- A page


def xhtml(page):
    for element in list(page.main.iter()):
        change = CHANGES.get(element.tag)
        if change:
            change(element)
        for name, value in element.attrib.items():
            element.set(name, theme.plain(value))
    page.main.tag = "section"
    page.main.set("epub:type", "chapter" if page.label else "bodymatter")
    return PAGE.format(
        title=escape(page.full_title), body=ElementTree.tostring(page.main, "unicode")
    )


def link(element):
    address = element.get("href", "")
    if not re.match(r"[a-z]+:", address):
        element.set("href", re.sub(r"\.html(?=#|$)", ".xhtml", address))
    if "sn-ref" in pages.classes(element):
        element.set("epub:type", "noteref")
        element.set("role", "doc-noteref")


def side_note(element):
    element.attrib.pop("style", None)
    element.set("epub:type", "footnote")
    element.set("role", "doc-footnote")


def listing(figure):
    """Each line of the code gets its mark, as text. No line is a link."""
    if "listing" not in pages.classes(figure):
        return
    for line in figure.find("pre/code"):
        mark = ElementTree.Element("span", {"class": "mark"})
        mark.text, mark.tail, line.text = MARKS[line.tag], line.text, None
        line.insert(0, mark)
        line.set("class", "line")
        if line.tag == "a":
            line.tag = "span"


CHANGES = {"figure": listing, "a": link, "aside": side_note}


# ---- The book


def navigation(book):
    """The contents: pages, sections and subsections, as lists in lists."""
    root = ElementTree.Element("ol")
    for page in book:
        parents = [entry(root, f"{page.name}.xhtml", page.full_title)]
        for level, identifier, heading in page.sections:
            parents[level - 1 :] = []
            items = parents[-1].find("ol")
            if items is None:
                items = ElementTree.SubElement(parents[-1], "ol")
            parents.append(entry(items, f"{page.name}.xhtml#{identifier}", heading))
    contents = ElementTree.tostring(root, "unicode")
    body = NAVIGATION.format(contents=contents, first=book[0].name)
    return PAGE.format(title="Contents", body=body)


def entry(items, address, heading):
    item = ElementTree.SubElement(items, "li")
    ElementTree.SubElement(item, "a", href=address).text = heading
    return item


def properties(name, content):
    """What the package says about a file."""
    if name in ("nav.xhtml", "cover.png"):
        return {"nav.xhtml": "nav", "cover.png": "cover-image"}[name]
    if not name.endswith(".xhtml"):
        return ""
    return " ".join(
        word for tag, word in (("<math", "mathml"), ("<svg", "svg")) if tag in content
    )


def package(files):
    manifest = ""
    for name, content in files.items():
        words = properties(name, content)
        manifest += '<item id="{}" href="{}" media-type="{}"{}/>\n'.format(
            identifier(name),
            name,
            TYPES[Path(name).suffix],
            f' properties="{words}"' if words else "",
        )
    spine = "".join(
        f'<itemref idref="{identifier(name)}"/>\n' for name in files if name.endswith(".xhtml")
    )
    modified = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(pages.date()))
    return PACKAGE.format(
        identifier=IDENTIFIER,
        title=TITLE,
        subtitle=SUBTITLE,
        modified=modified,
        manifest=manifest,
        spine=spine,
    )


def identifier(name):
    return "id-" + re.sub(r"[^\w]", "-", name) if name != "cover.png" else "cover-png"


def files_of(directory, names):
    """Name and content of each file of the book, in the order of reading."""
    book = pages.read(directory, names)
    images = sorted({i.get("src") for page in book for i in page.main.iter("img")})
    cover = PAGE.format(title="Cover", body=COVER.format(SUBTITLE))
    files = {"cover.xhtml": cover, "nav.xhtml": navigation(book)}
    files |= {f"{page.name}.xhtml": xhtml(page) for page in book}
    files["style.css"] = theme.plain((HERE / "epub.css").read_text())
    files["fonts/mono.woff2"] = (theme.PATH / "fonts/mono.woff2").read_bytes()
    files["cover.png"] = (HERE / "cover.png").read_bytes()
    return files | {image: (directory / image).read_bytes() for image in images}


def main(directory, names):
    files = files_of(directory, names)
    inside = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "book/package.opf": package(files),
    }
    inside |= {f"book/{name}": content for name, content in files.items()}
    archive.write(directory / "trapframe.epub", inside, stored=["mimetype"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

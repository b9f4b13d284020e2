"""pages.py: the site's finished pages, as the editions take them.

    for page in read(directory, names):
        page.name, page.label, page.title, page.sections
        page.main      <main> as a tree without namespaces (xml.etree)

What only a site has is left out of the tree: scripts, its navigation, links to
pages and files that no edition has.
"""

import os
import re
from urllib.parse import urlsplit
from xml.etree import ElementTree

try:
    import html5lib
except ImportError:
    html5lib = None  # epub.py and pdf.py are not run, then

SITE_ONLY = {"script", "template", "dialog", "button"}
SITE_CLASSES = {"toc", "cover", "editions", "start"}
HEADINGS = ("h2", "h3")
NAMESPACES = {"svg": "http://www.w3.org/2000/svg"}
NAMESPACES["math"] = "http://www.w3.org/1998/Math/MathML"


class Page:
    def __init__(self, path, names):
        self.name = path.stem
        tree = html5lib.parse(path.read_text(), namespaceHTMLElements=False)
        self.main = tree.find(".//main")
        for element in self.main.iter():
            forget_namespace(element)
            for child in [child for child in element if left_out(child)]:
                remove(element, child)
            rewrite(element, names)
        self.title = text(self.main.find(".//h1"))
        self.label = label(self.main.find("header"))
        self.sections = list(sections(self.main))

    @property
    def full_title(self):
        return f"{self.label}. {self.title}" if self.label else self.title


def read(directory, names):
    return [Page(directory / f"{name}.html", names) for name in names]


def date():
    """When the book was changed, in seconds, so that the same sources make the same
    bytes; the Makefile says it."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or 0)


def classes(element):
    return set(element.get("class", "").split())


def text(element):
    return " ".join("".join(element.itertext()).split())


def forget_namespace(element):
    """A name as in HTML; svg and math get the attribute that says what they are."""
    if not isinstance(element.tag, str):
        return  # a comment
    element.tag = element.tag.rpartition("}")[2]
    if element.tag in NAMESPACES:
        element.set("xmlns", NAMESPACES[element.tag])


def left_out(element):
    name = str(element.tag).rpartition("}")[2]
    comment = not isinstance(element.tag, str)
    to_itself = name == "a" and len(element) == 0 and not element.text
    return (
        comment
        or name in SITE_ONLY
        or bool(classes(element) & SITE_CLASSES)
        or to_itself
        and element.get("aria-label") is not None
    )


def remove(parent, child):
    """Takes a child out and leaves the text behind it."""
    place = list(parent).index(child)
    if child.tail and place:
        parent[place - 1].tail = (parent[place - 1].tail or "") + child.tail
    elif child.tail:
        parent.text = (parent.text or "") + child.tail
    parent.remove(child)


def rewrite(element, names):
    """What is an element or a link of the site only becomes plain."""
    element.attrib.pop("tabindex", None)
    if str(element.tag).startswith("trap-"):
        element.set("class", element.tag)
        element.tag = "div"
    if "href" in element.attrib:
        address = urlsplit(element.get("href"))
        page = address.path.removesuffix(".html")
        if not address.scheme and page and page not in names:
            element.tag = "span"
            del element.attrib["href"]


def label(header):
    """The chapter's number: "1", or "" if the page is no chapter. The line that
    has it says no more than that, as how long it takes to read depends."""
    line = header.find("p[@class='number']")
    if line is None:
        return ""
    found = re.match(r"Chapter (\d+)", text(line))
    header.remove(line)
    if found:
        said = ElementTree.Element("p", {"class": "number"})
        said.text = found[0]
        header.insert(0, said)
    return found[1] if found else ""


def sections(main):
    """(level, id, heading) of each section and subsection."""
    for element in main.iter():
        if element.tag in HEADINGS:
            yield int(element.tag[1]), element.get("id"), text(element)

"""webpage.py: a page of the book, read as a browser does. Standard library only.

    page = Page(path)
    page.elements       every element: its name, attributes, line in the file
    page.words          the number of words in <main>
    page.listings       the listings that show what a chapter changes
"""

import html.parser
import re
from collections import namedtuple

VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}

# What a script of the page shows, and no script itself.
RECORDINGS = re.compile(rb"^const RECORDINGS =\n.*", re.M)

Element = namedtuple("Element", "name attributes line")

# Some lines of a file: after is the number of lines of the previous chapter's
# file that come before them, first the number of the first of them that this
# chapter has; lines are (kind, text) with kind span, ins (new) or del (dropped).
# Where all_new, no line is marked, as all of them are new.
Listing = namedtuple("Listing", "file after first lines all_new")


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.elements, self.listings, self.text = [], [], []
        self.open = []  # elements that have not ended
        self.source = path.read_text()
        self.feed(self.source)
        self.close()

    def handle_starttag(self, name, attributes):
        attributes = dict(attributes)
        element = Element(name, attributes, self.getpos()[0])
        self.elements.append(element)
        if name not in VOID:
            self.open.append(element)
        if name == "code" and "data-file" in self.figure():
            self.start_listing(attributes)
        elif name in ("a", "ins", "del") and self.in_listing(-2):
            self.listings[-1].lines.append((name, ""))

    def handle_startendtag(self, name, attributes):
        self.elements.append(Element(name, dict(attributes), self.getpos()[0]))

    def handle_endtag(self, name):
        while self.open and self.open.pop().name != name:
            pass  # an end tag may be left out, as that of <p>

    def handle_data(self, text):
        if any(element.name == "main" for element in self.open):
            self.text.append(text)
        depth = [element.name for element in self.open].count("code")
        if depth and self.listings and self.in_listing():
            kind, before = self.listings[-1].lines[-1]
            self.listings[-1].lines[-1] = kind, before + text.rstrip("\n")

    def figure(self):
        """The attributes of the figure around what is read now."""
        figures = [e.attributes for e in self.open if e.name == "figure"]
        return figures[-1] if figures else {}

    def start_listing(self, attributes):
        if self.open[-2].name != "pre":
            return  # a name in the caption
        first = int(re.search(r"line (\d+)", attributes["style"])[1]) + 1
        figure = self.figure()
        place = figure["data-file"], int(figure["data-after"])
        all_new = "all-new" in figure["class"].split()
        self.listings.append(Listing(*place, first, [], all_new))

    def in_listing(self, parent=None):
        """Is what is read now in a listing (directly, if parent is -2)?"""
        names = [element.name for element in self.open]
        inside = "data-file" in self.figure() and "pre" in names
        return inside and (parent is None or names[parent] == "code")

    @property
    def words(self):
        return len(" ".join(self.text).split())

    def all(self, *names):
        return [element for element in self.elements if element.name in names]

    def ids(self):
        found = (element.attributes.get("id") for element in self.elements)
        return [identifier for identifier in found if identifier]

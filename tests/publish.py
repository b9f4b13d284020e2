#!/usr/bin/env python3
"""publish.py: can build/book be published as it is, below any address?

    tests/publish.py            or: make publish-check

Copies the book, without the files whose names begin with a dot, below a directory
with a name that nobody knows, serves it from there, and follows every address in
every page and style sheet, from index.html on. Each has to be relative, to lead to
something in the book, and every page has to be reached. Then it searches there.
"""

import contextlib
import functools
import re
import secrets
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import searching
import site_of_book
import webserver
from browser import Browser
from webpage import Page

SECONDS = 20  # for an answer of the server
WANTED = "iretq"  # what is searched
ADDRESSES = ("href", "src", "srcset", "poster", "data")
IN_SHEET = re.compile(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)")
# What no page leads to: a host sends it at addresses that lead nowhere, so nothing
# in it can be relative.
NOWHERE = "404.html"


def in_page(page):
    """(line, address, may it lead to other hosts?) of a page."""
    for element in page.elements:
        away = element.name == "a" or element.attributes.get("rel") == "canonical"
        for key in ADDRESSES:
            text = element.attributes.get(key) or ""
            parts = text.split(",") if key == "srcset" else [text]
            for address in filter(None, (part.strip().split(" ")[0] for part in parts)):
                yield element.line, address, away


def in_sheet(text):
    for number, line in enumerate(text.splitlines(), 1):
        for match in IN_SHEET.finditer(line):
            yield number, match[1] or match[2], False


def is_there(address):
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:
            answer.read()
    except urllib.error.HTTPError:
        return False
    return True


class Site:
    """The book in a directory that a server sends from the address `home`."""

    def __init__(self, directory, home):
        self.directory, self.home = directory, home
        self.reached = {}  # address: was it there?
        self.pages = {}  # by their address
        self.links = []  # (address where it stands, line, address, may it lead away?)

    def reach(self):
        """Follow every address, from the first page on."""
        waiting = [self.home + "index.html"]
        while waiting:
            address = waiting.pop()
            if address in self.reached or not address.startswith(self.home):
                continue
            self.reached[address] = is_there(address)
            found = self.read(address) if self.reached[address] else []
            found = [link for link in found if not link[1].startswith("data:")]
            self.links += [(address, *link) for link in found]
            waiting += [urldefrag(urljoin(address, link))[0] for _, link, _ in found]

    def file(self, address):
        return self.directory / unquote(address.removeprefix(self.home))

    def read(self, address):
        """The addresses in what stands there."""
        file = self.file(address)
        if file.suffix == ".html":
            self.pages[address] = Page(file)
            return list(in_page(self.pages[address]))
        return list(in_sheet(file.read_text())) if file.suffix == ".css" else []

    def complaint(self, source, link, away):
        """What is wrong with a link, if anything is."""
        if urlsplit(link).scheme or link.startswith("/"):
            other = away and link.startswith(("http://", "https://", "mailto:"))
            return None if other else "is not relative"
        address, place = urldefrag(urljoin(source, link))
        if not address.startswith(self.home):
            return "leads out of the book"
        if not self.reached[address]:
            return "leads nowhere"
        if place and address in self.pages and unquote(place) not in self.ids(address):
            return "leads to no place in that page"
        return None

    @functools.cache
    def ids(self, address):
        return set(self.pages[address].ids())

    def faults(self):
        for source, line, link, away in self.links:
            complaint = self.complaint(source, link, away)
            if complaint:
                yield f"{source.removeprefix(self.home)}:{line}: {link} {complaint}"

    def orphans(self):
        for file in sorted(self.directory.rglob("*.html")):
            name = file.relative_to(self.directory).as_posix()
            if name != NOWHERE and self.home + name not in self.reached:
                yield f"{name}:1: no page leads here"

    def crawl(self):
        """What is wrong with the addresses, a line each."""
        self.reach()
        return [*self.faults(), *self.orphans()]

    def search(self):
        """What is wrong with the search: does it find a page, and lead there?"""
        with Browser() as browser:
            browser.open(self.home + "index.html")
            if not browser.run("document.querySelector('button.search') != null"):
                return ["index.html:1: has no search: run ./setup --test, make book"]
            dialog = searching.Dialog(browser)
            found = dialog.ask(WANTED)
            if not found:
                return [f"index.html:1: the search says: {dialog.told()}"]
            browser.press("Enter")
            browser.wait_until("!location.pathname.endsWith('index.html')")
            there = urldefrag(browser.run("location.href"))[0]
        wrong = there not in self.pages
        return [f"index.html:1: the search of {WANTED} leads to {there}"] * wrong

    def told(self):
        files = sum(path.is_file() for path in self.directory.rglob("*"))
        return (
            f"{len(self.pages)} pages of {files} files, {len(self.links)} links: each is"
            f" relative and leads to its place, each page is reached, and search works,"
            f" below {urlsplit(self.home).path}"
        )


@contextlib.contextmanager
def published(book):
    """The site that a book would be."""
    with tempfile.TemporaryDirectory() as top:
        below = "/".join(secrets.token_hex(4) for _ in range(3))
        directory = Path(top) / below
        shutil.copytree(book, directory, ignore=shutil.ignore_patterns(".*"))
        with webserver.serving(top) as address:
            yield Site(directory, f"{address}{below}/")


def main():
    with published(site_of_book.OUT) as site:
        faults = site.crawl() or site.search()
        for fault in faults:
            print(f"build/book/{fault}", file=sys.stderr)
        if faults:
            sys.exit("publish-check: the book cannot be published like this, see above")
        print(f"publish-check: {site.told()}")


if __name__ == "__main__":
    main()

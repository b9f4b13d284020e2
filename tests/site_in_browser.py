"""site_in_browser.py: what is wrong with a page of the book's website, as a browser
shows it at each width, light and dark.

    with Site() as site:
        faults(browser, site, "02-vga")     a line each

The site is served by HTTP, from some directory of a host, as readers get it: the
head of a page in pieces, fonts soon or late.
"""

import functools
import gzip
import http.server
import io
import itertools
import re
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import site_of_book
from webpage import RECORDINGS

BASE = "/some/where/"
LATE = 0.3  # seconds that a font takes
PIECE = re.compile(rb".*?</(?:li|nav|button|h1|header)>|.+", re.DOTALL)  # of a page
PIECES = 10  # that come one by one: these and the head are in the first window
PAUSE = 0.03  # seconds between them, in which the browser paints
WIDTHS = 320, 390, 768, 1024, 1280, 1920
CLOSE = 390, 1280  # widths at which all is looked at
REQUESTS = 7  # of a page: itself, 2 style sheets, 3 fonts, a script; or a picture for one
# What axe gets wrong, by the rule and how the element begins.
MISTAKEN = {
    # In a wide window the style sheet shows what is in the closed <details>.
    ("scrollable-region-focusable", "<details>"),
    # Links in lines of code are as high as these are, which WCAG 2.5.8 allows.
    ("target-size", '<a href="#L'),
    ("target-size", '<a href="../../'),
}
JAVASCRIPT = 15_000  # bytes of scripts, compressed
LOOKS = Path(__file__).with_name("looks.js").read_text()


class Handler(http.server.SimpleHTTPRequestHandler):
    def translate_path(self, path):
        inside = path.startswith(BASE)
        return super().translate_path(path[len(BASE) - 1 :] if inside else "/none")

    def do_GET(self):
        if self.path.endswith(".woff2"):
            time.sleep(self.server.late)
        super().do_GET()

    def copyfile(self, source, outputfile):
        if self.path.endswith(".html"):
            pieces = PIECE.findall(source.read())
            for piece in pieces[:PIECES]:
                outputfile.write(piece)
                time.sleep(PAUSE)
            source = io.BytesIO(b"".join(pieces[PIECES:]))
        super().copyfile(source, outputfile)

    def log_message(self, *_):
        pass


class Site(http.server.ThreadingHTTPServer):
    late = 0

    def __init__(self, directory=None):
        self.directory = directory or site_of_book.made()
        handler = functools.partial(Handler, directory=str(self.directory))
        super().__init__(("localhost", 0), handler)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def url(self, name):
        return f"http://localhost:{self.server_port}{BASE}{name}.html"

    def file(self, url):
        return self.directory / urlsplit(url).path[len(BASE) :]


def faults(browser, site, name):
    """All that is wrong with a page."""
    found = []

    def see(where, *faults):
        found.extend(f"{name}.html, {where}: {fault}" for fault in faults)

    def take(look):
        return browser.run(f"looks.{look}()")

    def load(seconds, width):
        site.late = seconds
        browser.open(site.url(name), width=width)
        browser.run(f"{LOOKS}; globalThis.looks = looks; 0")
        see(f"{width} px, fonts {seconds} s late", *take("shifts"))

    for seconds, width in itertools.product((LATE, 0), CLOSE):
        load(seconds, width)
    see("loading", *ill_mannered(browser, site), *scripts_too_heavy(browser, site))
    see("Tab", *keys(browser))
    for width in WIDTHS:
        browser.look(width=width)
        see(f"{width} px", *take("sticksOut"))
    for width, dark in ((width, dark) for width in CLOSE for dark in (False, True)):
        browser.look(width=width, dark=dark)
        theme = "dark" if dark else "light"
        see(f"{width} px, {theme}", *take("drawn"), *inaccessible(browser))
    return found


def ill_mannered(browser, site):
    """Requests to others, too many of them, errors."""
    urls = browser.requests()
    home = site.url("").rpartition("/")[0] + "/"
    yield from (f"asks another host, or above itself, for {u}" for u in urls if not u.startswith(home))
    if len(urls) > REQUESTS:
        asked = " ".join(url.removeprefix(home) for url in urls)
        yield f"{len(urls)} requests, more than {REQUESTS}: {asked}"
    yield from (f"in the console: {complaint}" for complaint in browser.complaints())


def scripts_too_heavy(browser, site):
    """What a script shows, the recordings, is not script: see test_page_is_light."""
    paths = [site.file(url) for url in browser.requests()]
    scripts = [path for path in paths if path.suffix == ".js" and path.is_file()]
    code = [RECORDINGS.sub(b"", path.read_bytes()) for path in scripts]
    size = sum(len(gzip.compress(each)) for each in code)
    if size > JAVASCRIPT:
        names = " ".join(path.name for path in scripts)
        yield f"{size} bytes of JavaScript, more than {JAVASCRIPT}: {names}"


def keys(browser):
    """The Tab key goes to the link that skips the header, then into the header, if
    there is one: a page for addresses that lead nowhere has none."""
    if not browser.run("!!document.querySelector('header.site')"):
        return
    for stop in ".skip", "header.site *":
        browser.press("Tab")
        if not browser.run(f"document.activeElement.matches({stop!r})"):
            there = browser.run("looks.name(document.activeElement)")
            yield f"leads to {there}, not to {stop}"


def inaccessible(browser):
    for rule, *elements in browser.violations():
        for element in elements:
            if not any(rule == r and element.startswith(e) for r, e in MISTAKEN):
                yield f"{rule}: {' '.join(element.split())}"

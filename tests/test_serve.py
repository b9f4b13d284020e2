"""test_serve.py: make serve: pages that are made again, and browsers that hear of it.

Nothing here is timed; but nothing may take longer than SECONDS either.
"""

import contextlib
import json
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

import chapters
import tiny_book

SECONDS = 30
SERVE = chapters.ROOT / "book/serve.py"


def heed_interrupts():
    """Whoever started the tests in the background has them ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Server:
    """serve.py, for a book in a directory."""

    def __init__(self, book, port=0):
        command = [sys.executable, SERVE, f"--port={port}", f"--root={book.root}"]
        self.process = subprocess.Popen(
            [*command, "SEARCH=no"],
            env=chapters.clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=heed_interrupts,
        )

    def line(self):
        """The next line that it says."""
        ready, _, _ = select.select([self.process.stdout], [], [], SECONDS)
        assert ready, "it says nothing"
        return self.process.stdout.readline()

    def end(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(SECONDS)


@contextlib.contextmanager
def serving(book):
    """The address of a book that is served."""
    server = Server(book)
    try:
        line = server.line()
        yield re.search(r"http://localhost:\d+/", line)[0]
    finally:
        server.process.kill()
        server.process.wait()
        server.process.stdout.close()


@pytest.fixture
def book(tmp_path):
    return tiny_book.copy(tmp_path)


def get(address):
    return urllib.request.urlopen(address, timeout=SECONDS).read().decode()


class Events:
    """What a page of a server hears, as its script does."""

    def __init__(self, address, page="01-one.html"):
        script = get(address + page)
        events = re.search(r'EventSource\("/(\S+)"\)', script)[1]
        self.stream = urllib.request.urlopen(address + events, timeout=SECONDS)

    def next(self):
        """The next event: its name, and what it tells."""
        lines, deadline = [], time.monotonic() + SECONDS
        for line in self.stream:
            assert time.monotonic() < deadline, "there is no news"
            line = line.decode().rstrip("\n")
            if line and not line.startswith(":"):
                lines.append(line.partition(": ")[2])
            elif lines:
                return lines[0], json.loads(lines[1])
        raise AssertionError("the server has closed")


def test_adds_its_script_on_the_way_only(book):
    with serving(book) as address:
        assert "EventSource" in get(f"{address}01-one.html")
        assert "EventSource" in get(f"{address}source-01-one.html")
        assert "EventSource" not in get(f"{address}style.css")
    assert "EventSource" not in book.html("01-one")


def test_changed_page_is_made_and_told(book):
    with serving(book) as address:
        events = Events(address)
        book.write("book/03-three.md", tiny_book.PAGE + "An aardvark.\n")
        assert events.next() == ("made", "")
        assert "aardvark" in get(f"{address}03-three.html")
        book.write("book/03-three.md", tiny_book.PAGE + "A zebra.\n")
        assert events.next() == ("made", "")
        assert "zebra" in get(f"{address}03-three.html")


def test_mistake_is_told_until_it_is_gone(book):
    page = book.read("book/02-two.md")
    with serving(book) as address:
        events = Events(address)
        book.write("book/02-two.md", page + "See @fig:aardvark.\n")
        event, told = events.next()
        assert event == "failed" and "nothing is called @fig:aardvark" in told
        assert re.search(r"book/02-two\.md:\d+: ", told)
        assert Events(address).next() == ("failed", told), "a page that comes later"
        book.write("book/02-two.md", page)
        assert events.next() == ("made", "")


def test_line_that_no_page_shows_is_told_after_the_page(book):
    book.write("chapters/02-two/Makefile", "# an aardvark\n" + tiny_book.MAKEFILE)
    assert not book.make()[0]
    book.write("chapters/02-two/Makefile", tiny_book.MAKEFILE)
    assert book.make()[0]
    with serving(book) as address:
        events = Events(address)
        book.write("chapters/02-two/Makefile", "# an aardvark\n" + tiny_book.MAKEFILE)
        assert events.next()[0] == "made"
        event, told = events.next()
        assert event == "failed" and "Makefile" in told


def test_browser_shows_the_change_and_the_mistake(book, browser):
    page = book.read("book/02-two.md")
    with serving(book) as address:
        browser.open(f"{address}02-two.html")
        book.write("book/02-two.md", page + "An aardvark.\n")
        browser.wait_until("document.body?.textContent.includes('An aardvark.')")
        book.write("book/02-two.md", page + "See @fig:aardvark.\n")
        failed = "document.querySelector('#failed')?.textContent.includes('02-two.md:')"
        browser.wait_until(failed)
        book.write("book/02-two.md", page + "A zebra.\n")
        browser.wait_until("document.body?.textContent.includes('A zebra.')")
        assert not browser.run(failed)
        assert browser.errors() == []
        browser.open(book.root / "build/book/02-two.html")  # lets the server go


def test_interrupt_ends_it(book):
    server = Server(book)
    assert "Ctrl-C" in server.line()
    assert server.end() == 0
    server.process.stdout.close()


def test_port_that_is_taken_is_told(book):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = Server(book, port)
        told, _ = server.process.communicate(timeout=SECONDS)
    assert server.process.returncode == 1
    assert f"port {port}" in told and f"PORT={port + 1}" in told

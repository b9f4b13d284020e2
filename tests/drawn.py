"""drawn.py: a tiny book with figures that come from recordings.

The recordings are made by hand, so that a test knows what has to be drawn. Recording
is to copy a file.
"""

import re

import tiny_book

RECORD = """\
import os, shutil, sys
shutil.copy(os.path.join("%s", os.path.basename(sys.argv[2])), sys.argv[2])
"""


class DrawnBook:
    def __init__(self, root, recordings, recipe="# Nothing but a comment.\n"):
        """RECORDINGS: name: text. RECIPE says, for all of them, what is recorded."""
        self.book = tiny_book.copy(root)
        self.recipe = recipe
        self.book.write("record", RECORD % root)
        for name, text in recordings.items():
            self.record(name, text)

    def record(self, name, text):
        self.book.write(f"book/recordings/01-one/{name}", self.recipe)
        self.book.write(f"{name}.json", text)

    def page(self, text):
        listings = "".join(map(tiny_book.WHOLE.format, tiny_book.FILES))
        self.book.page("01-one", text + listings)

    def make(self):
        """Make the book: whether that worked, and what was said."""
        return self.book.make(f"RECORD={self.book.root}/record", "BOOTED=")

    @property
    def file(self):
        return self.book.root / "build/book/01-one.html"


class Mistakes:
    """Blocks that are wrong, each below a heading of its own on one page."""

    def __init__(self, drawn, mistakes, name):
        """MISTAKES: name: (block, complaint). Each block calls its figure NAME."""
        self.mistakes = mistakes
        text = ""
        for number, (title, (block, _)) in enumerate(mistakes.items()):
            text += f"## {title}\n\n" + block.replace(f":{name}", f":x{number}")
        drawn.page(text)
        worked, self.said = drawn.make()
        self.book = drawn.book
        assert not worked

    def assert_told(self, title, lines=1):
        """The complaint is told, for one of the first LINES lines of the block."""
        first = self.book.line("01-one", f"## {title}") + 2
        places = "|".join(str(first + n) for n in range(lines))
        complaint = re.escape(self.mistakes[title][1])
        told = rf"^book/01-one\.md:({places}): .*{complaint}"
        assert re.search(told, self.said, re.M), self.said

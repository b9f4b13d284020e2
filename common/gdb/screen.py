"""screen.py: the GDB command `screen`, for terminals without a window."""

import os
import tempfile

from command import Command
from machine import monitor

SCREEN, ROWS, COLUMNS = 0xB8000, 25, 80


def cells():
    """The bytes of the text screen: characters and attributes in turn."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "screen")
        size = 2 * ROWS * COLUMNS
        monitor(f'pmemsave {SCREEN} {size} "{path}"')
        with open(path, "rb") as file:
            return file.read()


class Screen(Command):
    """screen: print what the VGA text screen shows."""

    name = "screen"

    def run(self, argument):
        text = cells()[::2].replace(b"\0", b" ").decode("cp437")
        rows = [text[i : i + COLUMNS] for i in range(0, len(text), COLUMNS)]
        print("\n".join(row.rstrip() for row in rows).rstrip())


Screen()

"""screen.py: the GDB command `screen`, for terminals without a window."""

import os
import tempfile

import gdb

SCREEN, ROWS, COLUMNS = 0xB8000, 25, 80


def cells():
    """The bytes of the text screen: characters and attributes in turn."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "screen")
        size = 2 * ROWS * COLUMNS
        gdb.execute(f'monitor pmemsave {SCREEN} {size} "{path}"')
        with open(path, "rb") as file:
            return file.read()


class Screen(gdb.Command):
    """screen: print what the VGA text screen shows."""

    def __init__(self):
        super().__init__("screen", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        text = cells()[::2].replace(b"\0", b" ").decode("cp437")
        rows = [text[i : i + COLUMNS] for i in range(0, len(text), COLUMNS)]
        print("\n".join(row.rstrip() for row in rows).rstrip())


Screen()

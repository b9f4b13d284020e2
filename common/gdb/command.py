"""command.py: what all commands of the book have in common."""

import gdb

COMMANDS = []  # in the order in which they were made


class Command(gdb.Command):
    """A command by its class: its name, and as its docstring the help text,
    which begins "name ARGUMENTS: what it does". run(argument) does it."""

    name = None
    category = gdb.COMMAND_DATA

    def __init__(self):
        super().__init__(self.name, self.category)
        COMMANDS.append(self)

    def invoke(self, argument, from_tty):
        try:
            self.run(argument.strip())
        except gdb.error as error:  # without the trace of Python's calls
            raise gdb.GdbError(str(error)) from None

    def usage(self):
        """The error for arguments that are not understood."""
        return gdb.GdbError("usage: " + self.__doc__.split(":")[0])


def table(rows):
    """Print ROWS of strings in columns; the last column is not padded."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())

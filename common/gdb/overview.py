"""overview.py: the GDB command `kernel`, the list of all that the book adds."""

from command import COMMANDS, Command, table


def summary(command):
    """The two cells of a command: how it is written, and what it does."""
    usage, _, does = command.__doc__.partition(":")
    return f"  {usage}", does.split("\n\n")[0].strip().replace("\n    ", " ")


class Kernel(Command):
    """kernel: list the commands that this book adds to GDB.

    help NAME, such as help pt, tells more about one of them."""

    name = "kernel"

    def run(self, argument):
        print("Commands for the kernel; help NAME tells more:")
        table([summary(command) for command in COMMANDS])
        print("Besides, backtraces cross exceptions and assembly language.")


Kernel()

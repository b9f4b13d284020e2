"""reset.py: what becomes of a machine that resets itself.

An exception for which the CPU finds no handler becomes a double fault, and one
more a triple fault, which resets the machine. Here QEMU stops it instead, at
the instruction with which that began, and tells GDB of a signal. It can be
looked at then; but QEMU does not let it run any more, not even from a mark.
"""

import gdb

SIGNAL = "SIGQUIT"  # by which QEMU's stub tells
MESSAGE = """
The machine has reset itself: a triple fault, most likely. It stands at the
instruction that led to it. You can look at it; it cannot go on, nor back."""

has_happened = False


def explain(event):
    global has_happened
    if getattr(event, "stop_signal", "") == SIGNAL:
        has_happened = True
        print(MESSAGE)


def check():
    """GdbError if the machine cannot run."""
    if has_happened:
        raise gdb.GdbError("The machine has reset itself. Start it again.")


gdb.events.stop.connect(explain)

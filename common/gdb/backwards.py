"""backwards.py: the GDB commands `mark`, `fwd` and `back`.

The machine cannot run backwards. But it can be kept, brought back, and stepped
again, one instruction less far. No interrupt arrives while GDB steps, so the
same instructions run again.
"""

import gdb

from command import Command
from control import load, save, show, step
from machine import register, state
from symbols import number, place

NAME = "mark"  # of the machine that is kept
FARTHEST = 5000  # instructions to look for the way that plain GDB has gone


class Trail:
    """How many instructions ago the mark was set."""

    def __init__(self):
        self.steps = None  # None: there is no mark
        self.state = None  # the CPU after these steps

    def set(self, steps):
        self.steps = steps
        self.state = state()

    def check(self):
        if self.steps is None:
            raise gdb.GdbError("There is no mark: say mark, then fwd or stepi.")

    def go(self, steps):
        """To a number of instructions after the mark."""
        load(NAME)
        step(steps)
        self.set(steps)

    def find(self):
        """Find out how far it is from the mark, if other commands than fwd have
        been used since: go the way again, until the CPU looks the same."""
        present = state()
        if present == self.state:
            return
        save("present")
        load(NAME)
        for steps in range(FARTHEST):
            if state() == present:
                self.set(steps)
                return
            step()
        load("present")
        raise gdb.GdbError(f"The mark is not within {FARTHEST} instructions.")


def count(argument):
    """The number of instructions to go, 1 if nothing is said."""
    steps = number(argument) if argument else 1
    if not 0 < steps <= 1_000_000:
        raise gdb.GdbError(f"{argument} is not a number of instructions.")
    return steps


trail = Trail()


class Mark(Command):
    """mark: keep the machine as it is, so that back can return to it.

    There is one mark; the next one replaces it."""

    name = "mark"
    category = gdb.COMMAND_RUNNING

    def run(self, argument):
        if argument:
            raise self.usage()
        save(NAME)
        trail.set(0)
        print(f"The mark is at {place(register('rip'))}.")


class Fwd(Command):
    """fwd [N]: run N instructions (1), like stepi, counting from the mark.

    The commands of GDB's own, such as stepi, next and finish, may be used as
    well: then back counts afterwards, which takes longer."""

    name = "fwd"
    category = gdb.COMMAND_RUNNING

    def run(self, argument):
        steps = count(argument)
        trail.check()
        trail.find()
        step(steps)
        trail.set(trail.steps + steps)
        show()


class Back(Command):
    """back [N]: go N instructions back (1), but not beyond the mark.

    Registers, memory and devices are what they were. The way there is to return
    to the mark and step again. So it must not have been long, nor have led through
    interrupts, which do not arrive while GDB steps, or loops that wait for a
    device."""

    name = "back"
    category = gdb.COMMAND_RUNNING

    def run(self, argument):
        steps = count(argument)
        trail.check()
        trail.find()
        if steps > trail.steps:
            raise gdb.GdbError(f"The mark is {trail.steps} instructions back.")
        trail.go(trail.steps - steps)
        show()


Mark(), Fwd(), Back()

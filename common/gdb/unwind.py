"""unwind.py: backtraces that cross an exception.

GDB finds a caller by the compiler's notes. The stubs of isr.asm have none, so
Stub tells GDB where the interrupted program's registers are.

And GDB takes all frames but the innermost for functions that wait at a call: it
looks up the notes for the byte before, which is part of the call. An interrupted
function stands before its next instruction, and has pushed more, or less, than
one byte before. So Interrupted looks up the notes for where it stands.

Behind it there may be frames that GDB would take for broken (frames.py). Displaced
unwinds those.
"""

import gdb
from gdb.unwinder import Unwinder, register_unwinder

import stub
from assembler import Assembler
from bottom import Bottom
from frames import begin_with, displaced, place_of, read, unwound
from machine import WORD, word
from notes import note_for
from symbols import symbol

interrupted = set()  # (rip, rsp) of the interrupted frames that were met


class Stub(Unwinder):
    """From any instruction of a stub to the interrupted program."""

    def __init__(self):
        super().__init__("stub")

    def __call__(self, frame):
        begin_with(frame)
        rip, rsp = place_of(frame)
        if not stub.is_stub(rip):
            return None
        try:
            registers, end = stub.registers(rip, rsp)
        except gdb.GdbError:  # no stub that we understand, or no stack
            return None
        interrupted.add((registers["rip"], registers["rsp"]))
        return unwound(frame, end, registers)


class Interrupted(Unwinder):
    """From a C function that was interrupted, or from a call to nowhere, to its
    caller."""

    def __init__(self):
        super().__init__("interrupted")

    def __call__(self, frame):
        rip, rsp = place_of(frame)
        if (rip, rsp) not in interrupted:
            return None
        try:
            if not symbol(rip):  # a call has pushed the return address, no more
                return unwound(frame, rsp + WORD, {"rip": word(rsp), "rsp": rsp + WORD})
            note = note_for(rip)
            return by_note(frame, note) if note else None
        except gdb.GdbError:
            return None


class Displaced(Unwinder):
    """From a C function that waits at a call to its caller, as GDB does it, where the
    caller is displaced."""

    def __init__(self):
        super().__init__("displaced")

    def __call__(self, frame):
        if place_of(frame) not in displaced:
            return None
        try:
            note = note_for(read(frame, "rip") - 1)
            return by_note(frame, note) if note else None
        except gdb.GdbError:
            return None


def by_note(frame, note):
    """Unwind FRAME as a Note says."""
    end = read(frame, note.base) + note.offset
    registers = {name: word(end + offset) for name, offset in note.saved.items()}
    rip = registers.pop("ra")
    return unwound(frame, end, {**registers, "rip": rip, "rsp": end})


# GDB asks the one registered last first.
for unwinder in (Displaced(), Assembler(), Bottom(), Interrupted(), Stub()):
    register_unwinder(None, unwinder, replace=True)

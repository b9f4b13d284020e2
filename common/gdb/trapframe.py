"""trapframe.py: the GDB command `trapframe`."""

import collections

import gdb

import flags
import stub
from command import Command
from machine import word
from symbols import number, place, source_place
from vectors import WITH_ERROR_CODE, mnemonic

# A word of the frame: its address, and who pushes it.
Slot = collections.namedtuple("Slot", "name address pusher")


def layout():
    """{field: offset} of struct trap_frame, as the kernel's C has it."""
    try:
        fields = gdb.lookup_type("struct trap_frame").fields()
    except gdb.error:
        raise gdb.GdbError("This kernel has no struct trap_frame.") from None
    return {field.name: field.bitpos // 8 for field in fields}


def pusher(name, vector):
    """Who pushes a field of the frame of VECTOR (None: not known)."""
    if name in stub.CPU_PUSHES:
        return "the CPU"
    if name == "error_code" and vector in WITH_ERROR_CODE:
        return "the CPU"
    if name in ("vector", "error_code"):
        return f"isr_{vector}" if vector is not None else "the stub"
    return stub.COMMON


def slots(address, vector):
    """The words of the frame at ADDRESS, in the order in which they are pushed."""
    fields = sorted(layout().items(), key=lambda item: -item[1])
    return [Slot(name, address + at, pusher(name, vector)) for name, at in fields]


def enclosing():
    """The innermost frame of GDB's that is a stub's, from the selected one on
    outwards; None if there is none."""
    frame = gdb.selected_frame()
    while frame and not stub.is_stub(frame.pc()):
        frame = frame.older()
    return frame


class TrapFrame:
    """Where a trap frame is, of which vector, and which of its fields are on the
    stack; of those which are not, which have been there already."""

    def __init__(self, address, vector, present, popped=()):
        self.address = address
        self.vector = vector
        self.present = present
        self.popped = popped

    def slots(self):
        return slots(self.address, self.vector)


def of_stub(frame):
    """The trap frame that a frame of GDB's, which is a stub's, has to do with."""
    books = stub.account(frame.pc())
    rsp = int(frame.read_register("rsp"))
    address = rsp + books.depth - layout()["rip"]
    vector = stub.vector_in(frame)
    present = {slot.name for slot in slots(address, vector) if slot.address >= rsp}
    popped = {*books.popped, "vector", "error_code"} if books.popped else ()
    return TrapFrame(address, vector, present, popped)


def at(address):
    """The trap frame that is said to be at ADDRESS."""
    offsets = layout()
    return TrapFrame(address, word(address + offsets["vector"]), set(offsets))


def find(argument):
    """The trap frame that the user means."""
    if argument:
        return at(number(argument))
    frame = enclosing()
    if not frame:
        raise gdb.GdbError("No exception is being handled: trapframe needs an ADDRESS.")
    return of_stub(frame)


def meaning(name, value):
    """What can be said about a value."""
    if name == "rip":
        return " ".join(filter(None, (place(value), source_place(value))))
    if name == "rflags":
        return flags.letters(value)
    return mnemonic(value) if name == "vector" else ""


def cells(slot, frame):
    """The row of a word: address, name, value, meaning."""
    if slot.name in frame.present:
        value = word(slot.address)
        told = f"{value:#x}", meaning(slot.name, value)
    elif slot.name in frame.popped:
        told = "-", "popped"
    else:
        told = "-", "not pushed yet"
    return f"  {slot.address:#x}", slot.name, *told


class Trapframe(Command):
    """trapframe [ADDRESS]: what an exception has saved, field by field.

    Prints struct trap_frame from its highest address down, which is the order
    in which it is pushed, with who pushes what: the CPU, the stub of the
    vector, isr_common. Without ADDRESS it is the frame of the innermost
    exception, from the selected frame on outwards (see help frame), and while
    the stub runs it tells which fields are not pushed yet, or popped again."""

    name = "trapframe"

    def run(self, argument):
        frame = find(argument)
        vector = f"{frame.vector} {mnemonic(frame.vector)}".rstrip()
        if frame.vector is None:
            vector = "not known"
        print(f"struct trap_frame at {frame.address:#x}, vector {vector}")
        rows = [cells(slot, frame) for slot in frame.slots()]
        pushers = [slot.pusher for slot in frame.slots()]
        widths = [max(map(len, column)) for column in zip(*rows)]
        for i, row in enumerate(rows):
            if i == 0 or pushers[i] != pushers[i - 1]:
                print(f"pushed by {pushers[i]}:")
            print("  ".join(map(str.ljust, row, widths)).rstrip())


Trapframe()

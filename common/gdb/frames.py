"""frames.py: what the unwinders have in common. An unwinder tells GDB, for a frame
of a backtrace, what the registers of the caller are."""

import gdb

from machine import ALL_ONES, REGISTERS, WORD

# GDB calls rflags so.
KEPT = (*REGISTERS, "rip", "eflags", *"cs ss ds es fs gs cr0 cr2 cr3 cr4 efer".split())


class FrameId:
    """What tells a frame from all others."""

    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


def read(frame, name):
    """A register of a frame that is being unwound, as a number."""
    return int(frame.read_register(name)) & ALL_ONES


def unwound(frame, end, changed):
    """What an unwinder returns: FRAME ends at the address END, and its caller has
    the CHANGED registers, and all others as they are."""
    pointer = frame.read_register("rsp").type
    identity = FrameId(value(end, pointer), value(0, pointer))
    info = frame.create_unwind_info(identity)
    for name in KEPT:
        old = frame.read_register(name)
        new = value(changed[name], old.type) if name in changed else old
        info.add_saved_register(name, new)
    return info


def value(number, kind):
    """NUMBER as GDB's value of a type, as far as it fits."""
    data = (number & ALL_ONES).to_bytes(WORD, "little")
    return gdb.Value(data[: kind.sizeof], kind)

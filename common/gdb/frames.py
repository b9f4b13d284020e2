"""frames.py: what the unwinders have in common. An unwinder tells GDB, for a frame
of a backtrace, what the registers of the caller are.

GDB wants each frame further up than the last, and takes a backtrace for broken that
goes down. But one does that crosses from the stack of an exception, in the kernel's
image, to that of a thread, in a large block below. So we tell GDB of the frames from
there on as if the other stack went on where the first one ends: displaced says by how
many bytes. GDB's own unwinder does not know that, so no frame may be left to it.
"""

import gdb

from machine import ALL_ONES, REGISTERS, WORD

# GDB calls rflags so.
KEPT = (*REGISTERS, "rip", "eflags", *"cs ss ds es fs gs cr0 cr2 cr3 cr4 efer".split())

displaced = {}  # (rip, rsp) of a frame: bytes


class FrameId:
    """What tells a frame from all others."""

    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


def read(frame, name):
    """A register of a frame that is being unwound, as a number."""
    return int(frame.read_register(name)) & ALL_ONES


def begin_with(frame):
    """FRAME is looked at; if it is the innermost, all that follow may be others."""
    if frame.level() == 0:
        displaced.clear()


def place_of(frame):
    return read(frame, "rip"), read(frame, "rsp")


def displacement(frame, end, caller):
    """By how much the identity of FRAME is displaced, which ends at END; and that of
    its CALLER, (rip, rsp)."""
    own = displaced.get(place_of(frame), 0)
    down = end + own - caller[1]
    if own or down > 0:
        displaced[caller] = max(own, down)
    return own


def unwound(frame, end, changed):
    """What an unwinder returns: FRAME ends at the address END, and its caller has
    the CHANGED registers, and all others as they are."""
    pointer = frame.read_register("rsp").type
    caller = [changed.get(name, read(frame, name)) for name in ("rip", "rsp")]
    own = displacement(frame, end, tuple(caller))
    identity = FrameId(value(end + own, pointer), value(0, pointer))
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

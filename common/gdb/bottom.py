"""bottom.py: the end of every backtrace.

NASM describes no stack frames, so GDB guesses how start_64 was entered, and its
guess changes with the stack pointer: `bt` goes on into random memory, `finish`
out of kernel_main never stops. In truth nobody called start_64. We say that
address 0 did, where GDB ends a backtrace.
"""

import gdb
from gdb.unwinder import Unwinder, register_unwinder

BOTTOM = ("start_64", "halt")
OUTERMOST = (1 << 64) - 256  # GDB wants each frame further out than the last


class FrameId:
    """What tells a frame from all others: its stack pointer, its function."""

    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


def symbol(address):
    """The name of the place, without "+ 5 in section .text"."""
    return gdb.execute(f"info symbol {address:#x}", to_string=True).split()[0]


class Bottom(Unwinder):
    """Unwinds from start_64 to address 0, and from there to nowhere."""

    def __init__(self):
        super().__init__("bottom")

    def __call__(self, pending_frame):
        pc = pending_frame.read_register("rip")
        sp = pending_frame.read_register("rsp")
        if symbol(int(pc)) in BOTTOM:
            place = gdb.Value(OUTERMOST).cast(sp.type)
        elif pc == 0:
            place = sp
        else:
            return None
        frame = pending_frame.create_unwind_info(FrameId(place, pc - pc))
        frame.add_saved_register("rip", pc - pc)
        frame.add_saved_register("rsp", place + 8)
        return frame


register_unwinder(None, Bottom(), replace=True)

"""bottom.py: the end of every backtrace.

Nobody calls the code of boot.asm: GRUB jumps to it. GDB does not know that and
guesses, and its guess changes with the stack pointer: `bt` goes on into random
memory, `finish` out of kernel_main never stops. We say that address 0 is the
caller, where GDB ends a backtrace.
"""

from gdb.unwinder import Unwinder

from frames import read, unwound
from machine import WORD
from symbols import file_of

FILE = "boot.asm"
OUTERMOST = (1 << 64) - 256  # GDB wants each frame further out than the last


class Bottom(Unwinder):
    """From boot.asm to address 0, and from there to nowhere."""

    def __init__(self):
        super().__init__("bottom")

    def __call__(self, frame):
        rip = read(frame, "rip")
        if rip != 0 and file_of(rip) != FILE:
            return None
        end = OUTERMOST if rip != 0 else read(frame, "rsp")
        return unwound(frame, end, {"rip": 0, "rsp": end + WORD})

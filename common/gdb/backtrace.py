"""backtrace.py: what backtraces show of the frames that the unwinders have found.

GDB takes all frames but the innermost for functions that wait at a call; to name
them and their lines it goes back by one byte, into the call. But an interrupted
function stands before its next instruction.
"""

import gdb
from gdb.FrameDecorator import FrameDecorator, SymValueWrapper

import stub
from symbols import file_of, line_of, symbol

TRAPS = (3, 4)  # int3 and into: rip is behind them


class Named(FrameDecorator):
    """A frame with the name GDB has for it without decorators: they would take
    that of the next function for a call that ends its own."""

    def function(self):
        return self.inferior_frame().name() or "??"


class Exact(FrameDecorator):
    """An interrupted frame, with the function and the line where it stands."""

    def function(self):
        frame = self.inferior_frame()
        if frame.type() == gdb.INLINE_FRAME:
            return frame.name()
        return symbol(frame.pc()) or "??"

    def filename(self):
        return file_of(self.inferior_frame().pc()) or super().filename()

    def line(self):
        return line_of(self.inferior_frame().pc()) or super().line()

    def frame_args(self):
        frame = self.inferior_frame()
        return super().frame_args() if self.function() == frame.name() else None


class Entry(Named):
    """A frame of a stub, with the vector as if it were its argument."""

    def frame_args(self):
        vector = stub.vector_in(self.inferior_frame())
        return [SymValueWrapper("vector", vector)] if vector is not None else None


def is_interrupted(frame):
    """Is FRAME that of a program that an exception has interrupted?"""
    return frame.newer() and stub.is_stub(frame.newer().pc())


def decorated(decorator):
    """The frame as backtraces show it. After a trap, such as a breakpoint, the
    line before is shown, in which it is."""
    frame = decorator.inferior_frame()
    if stub.is_stub(frame.pc()):
        return Entry(decorator)
    if is_interrupted(frame) and stub.vector_in(frame.newer()) not in TRAPS:
        return Exact(decorator)
    return Named(decorator)


class Filter:
    """Lets backtraces show the frames with our decorators, and no frame beyond
    the first instruction of the kernel (bottom.py)."""

    name, enabled, priority = "exceptions", True, 100

    def filter(self, frames):
        for decorator in frames:
            frame = decorator.inferior_frame()
            if frame.pc() != 0 or is_interrupted(frame):
                yield decorated(decorator)


gdb.frame_filters[Filter.name] = Filter()

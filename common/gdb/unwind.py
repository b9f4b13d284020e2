"""unwind.py: backtraces that cross an exception.

GDB finds a caller by the compiler's notes. For the stubs of isr.asm there are
none, so Stub tells GDB where the interrupted program's registers are.

And GDB takes all frames but the innermost for functions that wait at a call: to
look up their notes and lines it goes back by one byte, into the call. But an
interrupted function stands before its next instruction, be it the first one.
Interrupted and Exact put right what that byte gets wrong.
"""

import gdb
from gdb.FrameDecorator import FrameDecorator, SymValueWrapper
from gdb.unwinder import Unwinder, register_unwinder

import stub
from machine import ALL_ONES, REGISTERS, WORD, disassemble, word
from symbols import place, symbol

TRAPS = (3, 4)  # int3 and into: rip is behind them
interrupted = set()  # (rip, rsp) of the interrupted frames that were met


class FrameId:
    """What tells a frame from all others."""

    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


def read(frame, name):
    """A register of a frame that is being unwound, as a number."""
    return int(frame.read_register(name)) & ALL_ONES


def unwound(frame, top, registers):
    """What an unwinder returns: the frame ends at the address TOP, and its
    caller has these REGISTERS."""
    pointer = frame.read_register("rsp").type
    identity = FrameId(value(top, pointer), value(0, pointer))
    info = frame.create_unwind_info(identity)
    for name, number in registers.items():
        name = "eflags" if name == "rflags" else name
        info.add_saved_register(name, value(number, frame.read_register(name).type))
    return info


def value(number, kind):
    """NUMBER as GDB's value of a type, whatever type."""
    return gdb.Value(number.to_bytes(kind.sizeof, "little"), kind)


class Stub(Unwinder):
    """From any instruction of a stub to the interrupted program."""

    def __init__(self):
        super().__init__("stub")

    def __call__(self, frame):
        rip, rsp = read(frame, "rip"), read(frame, "rsp")
        if not stub.is_stub(rip):
            return None
        try:
            registers, top = stub.registers(rip, rsp, lambda r: read(frame, r))
        except gdb.GdbError:  # no stub that we understand, or no stack
            return None
        interrupted.add((registers["rip"], registers["rsp"]))
        return unwound(frame, top, registers)


class Interrupted(Unwinder):
    """From a function that has not made its link in the chain of rbp yet, or
    has removed it, to its caller."""

    def __init__(self):
        super().__init__("interrupted")

    def __call__(self, frame):
        rip, rsp = read(frame, "rip"), read(frame, "rsp")
        if (rip, rsp) not in interrupted:
            return None
        rbp = read(frame, "rbp")
        try:
            if next_instruction(rip) == "mov rbp,rsp":  # push rbp is done
                rbp, rsp = word(rsp), rsp + WORD
            elif is_linked(rip):
                return None
            registers = {"rip": word(rsp), "rsp": rsp + WORD, "rbp": rbp}
        except gdb.GdbError:
            return None
        same = {name: read(frame, name) for name in REGISTERS}
        return unwound(frame, rsp + WORD, {**same, **registers})


def next_instruction(address):
    """Its text, or nothing where there is no code: a call to nowhere."""
    return disassemble(address)[0] if symbol(address) else ""


def is_linked(address):
    """Is rbp the function's own? Not at its start, nor at its return."""
    outside = ("push rbp", "ret", "")
    return "+" in place(address) and next_instruction(address) not in outside


class Named(FrameDecorator):
    """A frame with the name GDB has for it without decorators: they would take
    that of the next function for a call that ends its own."""

    def function(self):
        return self.inferior_frame().name() or "??"


class Exact(FrameDecorator):
    """An interrupted frame, with the function and the line where it stands."""

    def function(self):
        return symbol(self.inferior_frame().pc()) or "??"

    def line(self):
        return gdb.find_pc_line(self.inferior_frame().pc()).line or super().line()

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
    if frame.type() == gdb.INLINE_FRAME:
        return decorator
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


register_unwinder(None, Interrupted(), replace=True)
register_unwinder(None, Stub(), replace=True)
gdb.frame_filters[Filter.name] = Filter()

"""stub.py: where an exception's frame lies while a stub of isr.asm runs.

The assembler leaves no notes on how its code uses the stack. So read the code:
from the first instruction of the stub, where the CPU has pushed the last word,
up to the one that comes next, and keep account of each push and pop. There is
but one way through a stub, so this is right at every single instruction.

        frame   rip, cs, rflags, rsp, ss        by the CPU, upwards from here
        frame-8 error_code                      by the CPU or the stub
        ...                                     what the code has pushed since
"""

import re

import gdb

from machine import REGISTERS, WORD, disassemble, word
from symbols import number, place, symbol
from vectors import WITH_ERROR_CODE

CPU_PUSHES = ("rip", "cs", "rflags", "rsp", "ss")
COMMON = "isr_common"
NO_ERROR_CODE = 3  # a vector whose stub starts with nothing below the frame
LONGEST = 100  # instructions of a stub


class Account:
    """What lies below the frame: how many bytes, and at which depth below it
    each register has been saved. Registers that are popped are their own again."""

    def __init__(self, depth):
        self.depth = depth
        self.saved = {}
        self.popped = set()

    def push(self, operand):
        self.depth += WORD
        if operand in REGISTERS:
            self.saved.setdefault(operand, self.depth)

    def pop(self, operand):
        if self.saved.get(operand) == self.depth:
            del self.saved[operand]
            self.popped.add(operand)
        self.depth -= WORD

    def run(self, instruction):
        """Book one instruction."""
        name, _, operand = instruction.partition(" ")
        moved = re.fullmatch(r"rsp,(0x[0-9a-f]+)", operand)
        if name == "push":
            self.push(operand)
        elif name == "pop":
            self.pop(operand)
        elif name == "add" and moved:
            self.depth -= int(moved[1], 16)
        elif name == "sub" and moved:
            self.depth += int(moved[1], 16)


def vector_of(address):
    """The vector whose stub is at ADDRESS; None in isr_common and elsewhere."""
    found = re.fullmatch(r"isr_(\d+)", symbol(address))
    return int(found[1]) if found else None


def is_stub(address):
    return vector_of(address) is not None or symbol(address) == COMMON


def account(address):
    """The Account just before the instruction at ADDRESS, inside of a stub."""
    vector = vector_of(address)
    vector = NO_ERROR_CODE if vector is None else vector
    start = number(f"isr_{vector}")
    return walk(start, Account(WORD if vector in WITH_ERROR_CODE else 0), address)


def walk(start, books, end):
    """BOOKS, with the instructions from START up to END booked. A stub's jump is
    followed, any other is passed by."""
    at = start
    for _ in range(LONGEST):
        if at == end:
            return books
        instruction, length = disassemble(at)
        books.run(instruction)
        jump = re.match(r"jmp (0x[0-9a-f]+)", instruction)
        follows = jump and vector_of(at) is not None
        at = int(jump[1], 16) if follows else at + length
    raise gdb.GdbError(f"No way from {place(start)} to {place(end)}.")


def frame_at(address, rsp):
    """Where the CPU pushed rip, for a stub that is at ADDRESS."""
    return rsp + account(address).depth


def interrupted(frame):
    """What the CPU pushed: {"rip": value, ...}."""
    return {name: word(frame + WORD * i) for i, name in enumerate(CPU_PUSHES)}


def registers(address, rsp):
    """The interrupted program's registers, as far as they are on the stack of a
    stub at ADDRESS, and the end of what the CPU has pushed."""
    books = account(address)
    frame = rsp + books.depth
    found = {name: word(frame - depth) for name, depth in books.saved.items()}
    found.update(interrupted(frame))
    found["eflags"] = found["rflags"]
    return found, frame + WORD * len(CPU_PUSHES)


def vector_in(frame):
    """The vector of a frame of GDB's that is a stub's; None while that is on the
    stack nowhere."""
    vector = vector_of(frame.pc())
    if vector is None:
        books = account(frame.pc())
        top = int(frame.read_register("rsp")) + books.depth
        vector = word(top - 2 * WORD) if books.depth >= 2 * WORD else None
    return vector

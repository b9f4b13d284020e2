"""assembler.py: backtraces that cross functions in assembly language.

NASM leaves no notes on how a function uses the stack. So read the code, from
the function's label on, as stub.py does; it has to be without loops that push.
"""

import gdb
from gdb.unwinder import Unwinder

import stub
from frames import read, unwound
from machine import WORD, word
from symbols import file_of, number, symbol

LMA = 1 << 10  # in EFER: long mode


def caller(rip, rsp):
    """The registers of a caller, as far as the function at RIP has saved them,
    and the end of its frame. GdbError if its code does not tell."""
    start = number(symbol(rip).split(".")[0])  # without the local label
    books = stub.walk(start, stub.Account(0), rip)
    top = rsp + books.depth
    registers = {name: word(top - depth) for name, depth in books.saved.items()}
    registers.update({"rip": word(top), "rsp": top + WORD})
    return registers, top + WORD


class Assembler(Unwinder):
    """From a function in assembly language to its caller."""

    def __init__(self):
        super().__init__("assembler")

    def __call__(self, frame):
        rip, rsp = read(frame, "rip"), read(frame, "rsp")
        if not read(frame, "efer") & LMA or not file_of(rip).endswith(".asm"):
            return None
        try:
            registers, end = caller(rip, rsp)
        except gdb.GdbError:
            return None
        return unwound(frame, end, registers)

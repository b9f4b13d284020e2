"""raising.py: find the instruction that raises the next exception.

Which one it is shows when the exception is there. So let it come, bring the
machine back, and stop at that instruction.
"""

import collections

import gdb

import stub
from control import load, run_to, save, step
from machine import REGISTERS, memory, register
from symbols import number, place
from vectors import EXCEPTIONS

INT3, INT = 0xCC, 0xCD  # opcodes; that of int n is followed by n
DEBUG = 1  # the vector of the trap after each single step
VISITS = 1000  # times an instruction may run before it raises

# origin: where the instruction is; rip: where the program is to go on; registers:
# their values before it, but rsp.
Raised = collections.namedtuple("Raised", "vector origin rip registers")


def stubs(vector):
    """The addresses at which the exception arrives; of any vector, if None."""
    if vector == DEBUG:
        raise gdb.GdbError("#DB comes after an instruction, and GDB's steps hide it.")
    wanted = [v for v in EXCEPTIONS if v != DEBUG] if vector is None else [vector]
    try:
        return [number(f"isr_{each}") for each in wanted]
    except gdb.GdbError:
        raise gdb.GdbError("This kernel does not catch exceptions.") from None


def origin(vector, rip):
    """Where the instruction is that raised VECTOR and left RIP in the frame. The
    int instructions leave the address behind them, faults their own."""
    if not place(rip):
        raise gdb.GdbError(f"The program went to {rip:#x}, where there is no code.")
    before = memory(rip - 2, 2)
    if vector == 3 and before[1] == INT3:
        return rip - 1
    return rip - 2 if before == bytes([INT, vector]) else rip


def registers():
    """What an exception does not change."""
    return [register(name) for name in REGISTERS if name != "rsp"]


def await_exception(vector):
    """Run on into the stub of the next exception."""
    rip = run_to(*stubs(vector))
    frame = stub.interrupted(stub.frame_at(rip, register("rsp")))
    found = stub.vector_of(rip)
    return Raised(found, origin(found, frame["rip"]), frame["rip"], registers())


def find(vector):
    """Stand before the instruction that raises the next exception: of VECTOR, or
    of any if that is None. Returns what it is."""
    save("raising")
    try:
        raised = await_exception(vector)
    finally:
        load("raising")
    for _ in range(VISITS):
        if register("rip") != raised.origin:
            run_to(raised.origin)
        if registers() == raised.registers:
            return raised
        step()
    raise gdb.GdbError(f"Lost the way to {place(raised.origin)}.")

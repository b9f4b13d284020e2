"""idt.py: the GDB command `idt`.

Intel SDM volume 3A, "64-Bit Mode IDT".
"""

import collections

import gdb

from command import Command, table
from machine import in_long_mode, memory, table_register
from symbols import named, number, place
from vectors import mnemonic

GATE = 16  # bytes
TYPES = {14: "interrupt gate", 15: "trap gate"}

HEADER = ("vector", "handler", "selector", "IST", "DPL", "type")

Gate = collections.namedtuple("Gate", "vector handler selector ist dpl type")


def gate(vector, base):
    """The gate of a vector, or None if it is not present."""
    data = int.from_bytes(memory(base + GATE * vector, GATE), "little")
    if not data >> 47 & 1:
        return None
    handler = data & 0xFFFF | data >> 48 << 16 & 0xFFFFFFFFFFFF0000
    kind = TYPES.get(data >> 40 & 15, f"type {data >> 40 & 15:#x}: not a gate")
    selector, ist, dpl = data >> 16 & 0xFFFF, data >> 32 & 7, data >> 45 & 3
    return Gate(vector, handler, selector, ist, dpl, kind)


def alike(one, other):
    """Do two gates differ by nothing but the vector, in its handler's name?"""
    named = all(place(g.handler).endswith(f"_{g.vector}") for g in (one, other))
    return named and one[2:] == other[2:] and one.vector + 1 == other.vector


def runs(gates):
    """GATES in lists, each of gates alike."""
    found = []
    for one in gates:
        if found and alike(found[-1][-1], one):
            found[-1].append(one)
        else:
            found.append([one])
    return found


def row(run):
    """The cells of the table for a run of gates."""
    first, last = run[0], run[-1]
    if first is last:
        vectors = f"{first.vector} {mnemonic(first.vector)}"
        handlers = named(first.handler)
    else:
        vectors = f"{first.vector} to {last.vector}"
        handlers = f"{place(first.handler)} to {place(last.handler)}"
    numbers = (f"{first.selector:#x}", str(first.ist), str(first.dpl))
    return (vectors, handlers, *numbers, first.type)


def idt():
    """Where the IDT is, and how many gates it has. GdbError if there is none."""
    if not in_long_mode():
        raise gdb.GdbError("The CPU is not in long mode yet: its gates differ.")
    _, base, limit = table_register("IDT")
    if limit + 1 < GATE:
        raise gdb.GdbError("No IDT is loaded: any exception resets the machine.")
    return base, (limit + 1) // GATE


class Idt(Command):
    """idt [VECTOR]: the present gates of the interrupt descriptor table.

    A gate says where the CPU goes when the exception or interrupt of a vector
    arrives: the handler; its code segment; the entry of the interrupt stack
    table that holds its stack (IST, 0 is none); and the least privileged ring
    in which the instruction int may use the gate (DPL). Gates that differ by
    nothing but the vector share a line."""

    name = "idt"

    def run(self, argument):
        base, size = idt()
        wanted = [number(argument)] if argument else range(size)
        if max(wanted) >= size:
            raise gdb.GdbError(f"The IDT has gates for vectors 0 to {size - 1}.")
        gates = [found for vector in wanted if (found := gate(vector, base))]
        print(f"IDT at {named(base)}, {size} gates")
        if gates:
            table([HEADER, *map(row, runs(gates))])
        else:
            print("No gate is present." if not argument else "It is not present.")


Idt()

"""gdt.py: the GDB command `gdt`.

Intel SDM volume 3A, "Segment Descriptors" and "TSS Descriptor in 64-bit mode".
"""

from command import Command, table
from machine import in_long_mode, memory, register, table_register
from symbols import named

SEGMENTS = ("cs", "ss", "ds", "es", "fs", "gs")
SYSTEM = {2: "LDT", 9: "TSS, available", 11: "TSS, busy", 12: "call gate"}
ACCESSED, WRITABLE, READABLE, DOWN, CONFORMING, EXECUTABLE = 40, 41, 41, 42, 42, 43
CODE_OR_DATA, PRESENT, LONG, BIG, PAGES = 44, 47, 53, 54, 55


def bits(data, low, high):
    """Bits LOW to HIGH of a number."""
    return data >> low & (1 << high - low + 1) - 1


def is_set(data, bit):
    return bits(data, bit, bit) == 1


def base_and_limit(data):
    base = bits(data, 16, 39) | bits(data, 56, 95) << 24
    limit = bits(data, 0, 15) | bits(data, 48, 51) << 16
    if is_set(data, PAGES):
        limit = limit << 12 | 0xFFF
    return f"base {base:#x}, limit {limit:#x}"


def code(data):
    """What a code segment is, and what may be done with it."""
    width = 64 if is_set(data, LONG) else 32 if is_set(data, BIG) else 16
    rights = "execute, read" if is_set(data, READABLE) else "execute"
    if is_set(data, CONFORMING):
        rights += ", conforming"
    return f"code, {width}-bit", rights


def data_segment(data):
    rights = "read, write" if is_set(data, WRITABLE) else "read"
    return "data", rights + (", expand-down" if is_set(data, DOWN) else "")


def system(data):
    """A TSS, for example. Unlike other segments, it has a place."""
    number = bits(data, 40, 43)
    return SYSTEM.get(number, f"system, type {number:#x}"), base_and_limit(data)


def decode(data):
    """The cells that say what a descriptor describes: kind, ring, rights."""
    if not is_set(data, CODE_OR_DATA):
        kind, rights = system(data)
    elif is_set(data, EXECUTABLE):
        kind, rights = code(data)
    else:
        kind, rights = data_segment(data)
    if is_set(data, CODE_OR_DATA) and not in_long_mode():
        rights += "; " + base_and_limit(data)
    ring = f"DPL {bits(data, 45, 46)}" if is_set(data, PRESENT) else "not present"
    return kind, ring, rights


def descriptors(base, limit):
    """(selector, number) of each descriptor. In long mode those of the system,
    such as a TSS, take 16 bytes."""
    raw, selector = memory(base, limit + 1), 0
    while selector + 8 <= len(raw):
        data = int.from_bytes(raw[selector : selector + 8], "little")
        size = 8
        if data and not is_set(data, CODE_OR_DATA) and in_long_mode():
            data = int.from_bytes(raw[selector : selector + 16], "little")
            size = 16
        yield selector, data
        selector += size


def users():
    """{selector: names of the registers that hold it}."""
    found = {}
    for name in SEGMENTS:
        found.setdefault(register(name) & ~7, []).append(name)
    found.setdefault(table_register("TR").selector & ~7, []).append("tr")
    return {selector: ", ".join(names) for selector, names in found.items()}


class Gdt(Command):
    """gdt: the descriptors of the global descriptor table.

    Code and data segments say what code may do and in which ring (DPL); in long
    mode their bases and limits count for nothing. A task state segment (TSS)
    has both, and takes two entries. The last column names the registers that
    hold the selector now; a selector's two low bits are a privilege level, and
    do not choose a descriptor."""

    name = "gdt"

    def run(self, argument):
        if argument:
            raise self.usage()
        base, limit = table_register("GDT")[1:]
        print(f"GDT at {named(base)}, limit {limit:#x}")
        rows, holders = [("selector", "kind", "", "rights", "in")], users()
        for selector, data in descriptors(base, limit):
            cells = decode(data) if data else ("null", "", "")
            held = holders.get(selector, "") if data else ""
            rows.append((f"{selector:#x}", *cells, held))
        table(rows)


Gdt()

"""symbols.py: names for addresses, and addresses for names."""

import os.path
import re

import gdb

from machine import ALL_ONES


def place(address):
    """The symbol and the distance from it, "isr_common+7", or nothing."""
    text = gdb.execute(f"info symbol {address:#x}", to_string=True)
    found = re.match(r"(\S+)(?: \+ (\d+))? in section", text)
    if not found:
        return ""
    return f"{found[1]}+{found[2]}" if found[2] else found[1]


def symbol(address):
    """The symbol alone: "isr_common"."""
    return place(address).split("+")[0]


def source_line(address):
    """(path, line) of the code at ADDRESS, or None."""
    found = gdb.find_pc_line(address)
    if not found.symtab or not found.line:
        return None
    return found.symtab.fullname(), found.line


def source_place(address):
    """The same to be read, "main.c:33", or nothing. Chapters are flat: the
    name of a file says where it is."""
    found = source_line(address)
    return f"{os.path.basename(found[0])}:{found[1]}" if found else ""


def number(expression):
    """What an EXPRESSION of GDB's says, as a 64-bit number. Functions and the
    assembler's labels stand for their addresses."""
    try:
        value = gdb.parse_and_eval(expression)
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_FUNC:
            value = value.address
        return int(value) & ALL_ONES
    except gdb.error as error:
        raise gdb.GdbError(f"{expression}: {error}") from None


def entry_point():
    """The address of the kernel's first instruction, from the ELF header."""
    text = gdb.execute("info files", to_string=True)
    return int(re.search(r"Entry point: (0x[0-9a-f]+)", text)[1], 16)

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


def named(address):
    """The address, and the place if it has a name: "0x100027 <start+7>"."""
    name = place(address)
    return f"{address:#x} <{name}>" if name else f"{address:#x}"


def symbol(address):
    """The symbol alone: "isr_common"."""
    return place(address).split("+")[0]


def source_line(address):
    """(path, line) of the code at ADDRESS, or None."""
    found = gdb.find_pc_line(address)
    if not found.symtab or not found.line:
        return None
    return found.symtab.fullname(), found.line


def file_of(address):
    """The file of the code at ADDRESS, without its path, since chapters are flat;
    or nothing."""
    found = source_line(address)
    return os.path.basename(found[0]) if found else ""


def line_of(address):
    """The number of its line, or 0."""
    found = source_line(address)
    return found[1] if found else 0


def source_place(address):
    """Both, to be read: "main.c:33". Or nothing."""
    file = file_of(address)
    return f"{file}:{line_of(address)}" if file else ""


def number(expression):
    """What an EXPRESSION of GDB's says, as a 64-bit number. What is no number,
    such as a function, an array or a label, stands for its address."""
    try:
        return int(gdb.parse_and_eval(expression)) & ALL_ONES
    except gdb.error as error:
        reason = error
    try:
        return int(gdb.parse_and_eval(f"&({expression})")) & ALL_ONES
    except gdb.error:
        raise gdb.GdbError(f"{expression}: {reason}") from None


def entry_point():
    """The address of the kernel's first instruction, from the ELF header."""
    text = gdb.execute("info files", to_string=True)
    return int(re.search(r"Entry point: (0x[0-9a-f]+)", text)[1], 16)


def sections():
    """{name: (first address, the one behind the last)} of the kernel's sections."""
    text = gdb.execute("info files", to_string=True)
    found = re.findall(r"(0x[0-9a-f]+) - (0x[0-9a-f]+) is (\S+)", text)
    return {name: (int(start, 16), int(end, 16)) for start, end, name in found}


def text_section():
    """The first address of the kernel's code, and the one behind its last."""
    return sections()[".text"]

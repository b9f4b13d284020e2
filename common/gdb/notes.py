"""notes.py: the compiler's notes on how each function uses the stack.

They are in the ELF file (.debug_frame), and objdump can read them:

    FDE cie=00000000 pc=0000000000100186..00000000001001ae
       LOC           CFA      rbp   ra
    0000000000100186 rsp+8    u     c-8
    0000000000100187 rsp+16   c-16  c-8

From the instruction at LOC on, CFA is the end of the function's frame, where its
caller's stack goes on; a register is saved at an offset from it, or not (u).
"ra" is the return address. DWARF standard, "Call Frame Information".
"""

import bisect
import collections
import functools
import re
import subprocess

import gdb

# From ADDRESS on: CFA is OFFSET from the register BASE, and a caller's register
# is saved at {name: offset from CFA}.
Note = collections.namedtuple("Note", "address base offset saved")


def note(names, cells):
    """The Note of a row; one without a base, if its CFA is no such sum."""
    place = re.fullmatch(r"(r\w+)([+-]\d+)", cells[1])
    base, offset = (place[1], int(place[2])) if place else (None, 0)
    offsets = {name: cell[1:] for name, cell in zip(names, cells[2:]) if cell[0] == "c"}
    saved = {name: int(offset) for name, offset in offsets.items()}
    return Note(int(cells[0], 16), base, offset, saved)


def notes_of(function):
    """(end, Notes) from what objdump prints for a function: no more than its
    addresses, if nothing lies on its stack but the return address."""
    lines = function.splitlines()
    start, end = (int(address, 16) for address in lines[0].split(".."))
    if len(lines) == 1:
        return end, [Note(start, "rsp", 8, {"ra": -8})]
    names = lines[1].split()[2:]
    return end, [note(names, line.split()) for line in lines[2:]]


@functools.cache
def functions(path):
    """[(end, Notes)] of all functions of a kernel, by their addresses."""
    command = ["objdump", "--dwarf=frames-interp", path]
    text = subprocess.run(command, capture_output=True, text=True).stdout
    parts = re.findall(r"FDE .*?pc=(\w+\.\.\w+\n(?:.+\n)*)", text)
    return sorted(map(notes_of, parts), key=lambda function: function[0])


def note_for(address):
    """The Note that counts at ADDRESS, or None."""
    known = functions(gdb.current_progspace().filename)
    index = bisect.bisect_right([end for end, _ in known], address)
    rows = known[index][1] if index < len(known) else []
    passed = [row for row in rows if row.address <= address]
    return passed[-1] if passed and passed[-1].base else None

"""walked.py: the way of an address through the page tables, as JSON.

The book draws it (filters/walk.lua). One object; numbers are strings of
hexadecimal digits, "0x1f", but for levels, indices and bits:

    {"format": "trapframe-walk 1", "chapter": "05-paging",
     "name": "kernel_main", "address": "0xffffffff80101040", "cr3": "0x120000",
     "steps": [
      {"table": "0x120000", "shift": 39, "index": 511, "entry": "0x131023",
       "says": "read, write, execute, supervisor, accessed"}, ...],
     "physical": "0x101040", "rights": "ring 0 may read, execute; ring 3 nothing"}

name    what the address is called; empty if it has no symbol.
steps   from the PML4 down: the physical address of the table, the lowest of the
        nine bits of the address that choose its entry, the entry, and what it
        says, as the GDB command pt tells it. The last entry is that of the page,
        or is not present.
physical, rights   where the address leads and what may be done there; left out if
        it leads nowhere.
"""

import json
import os

import gdb

import pt
from machine import WORD, register
from symbols import number, place


def step(shift, index, at, entry):
    says = pt.rights(entry, pt.is_page(entry, shift))
    return {"table": hex(at - WORD * index), "shift": shift, "index": index,
            "entry": hex(entry), "says": says}  # fmt: skip


def end(address, steps):
    """What the walk has found, if it has."""
    _, shift, _, _, last = steps[-1]
    if not pt.is_set(last, pt.PRESENT):
        return {}
    told = pt.effective([entry for *_, entry in steps])
    return {"physical": hex(pt.physical(address, last, shift)), "rights": told}


def walk(expression):
    """The object for an address, of the tables as they are now."""
    address = number(expression)
    reason = pt.obstacle(address)
    if reason:
        raise gdb.GdbError(reason)
    steps = pt.walk(address)
    return {
        "format": "trapframe-walk 1",
        "chapter": os.path.basename(os.getcwd()),
        "name": place(address),
        "address": hex(address),
        "cr3": hex(register("cr3")),
        "steps": [step(*each) for _, *each in steps],
        **end(address, steps),
    }


def write(expression, path):
    """Write the file; all of it, or none."""
    text = json.dumps(walk(expression), indent=1)
    with open(f"{path}.part", "w") as file:
        file.write(text + "\n")
    os.replace(f"{path}.part", path)

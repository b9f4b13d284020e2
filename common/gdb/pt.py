"""pt.py: the GDB command `pt`, a walk through the page tables.

Intel SDM volume 3A, "4-Level Paging" and "Determination of Access Rights".
"""

import gdb

from command import Command, table
from machine import in_long_mode, physical_word, register
from symbols import named, number

# The tables, by what their entries are called, and the lowest of the nine bits
# of an address that choose an entry.
LEVELS = (("PML4E", 39), ("PDPTE", 30), ("PDE", 21), ("PTE", 12))
PRESENT, WRITABLE, USER, THROUGH, UNCACHED, ACCESSED, DIRTY, LARGE, GLOBAL = range(9)
NO_EXECUTE = 63
ADDRESS = 0x000FFFFFFFFFF000
SIZES = {30: "1 GiB", 21: "2 MiB", 12: "4 KiB"}
CR0_WP, CR0_PG, CR4_LA57, EFER_NXE = 16, 31, 12, 11


def is_set(number, bit):
    return number >> bit & 1 == 1


def is_canonical(address):
    """Are bits 63 to 47 all the same?"""
    return address >> 47 in (0, (1 << 17) - 1)


def is_page(entry, shift):
    """Does an entry give a page, not a table?"""
    return shift == 12 or shift in SIZES and is_set(entry, LARGE)


def walk(address):
    """[(name, shift, index, address of the entry, entry)], from the root down
    to a page or to an entry that is not present."""
    steps = []
    root = register("cr3")
    for name, shift in LEVELS:
        index = address >> shift & 511
        at = (root & ADDRESS) + 8 * index
        root = physical_word(at)
        steps.append((name, shift, index, at, root))
        if not is_set(root, PRESENT) or is_page(root, shift):
            break
    return steps


def physical(address, entry, shift):
    """Where an address is, by the entry of its page."""
    offset = (1 << shift) - 1
    return entry & ADDRESS & ~offset | address & offset


def rights(entry, page):
    """What an entry says, in words. Some bits count in pages only."""
    if not is_set(entry, PRESENT):
        return "not present"
    words = ["read, write" if is_set(entry, WRITABLE) else "read"]
    words += ["no execute"] if is_set(entry, NO_EXECUTE) else ["execute"]
    words += ["user"] if is_set(entry, USER) else ["supervisor"]
    notes = {THROUGH: "write-through", UNCACHED: "uncached", ACCESSED: "accessed"}
    if page:
        notes.update({DIRTY: "dirty", GLOBAL: "global"})
    words += [text for bit, text in notes.items() if is_set(entry, bit)]
    return ", ".join(words)


def verbs(entries):
    """What all entries on the way to a page allow."""
    write = all(is_set(entry, WRITABLE) for entry in entries)
    execute = not any(is_set(entry, NO_EXECUTE) for entry in entries)
    return ["read"] + ["write"] * write + ["execute"] * execute


def is_for_user(entries):
    """Do they allow it in ring 3 as well?"""
    return all(is_set(entry, USER) for entry in entries)


def effective(entries):
    """What the CPU may do with the page, all entries on the way considered."""
    allowed, user = verbs(entries), is_for_user(entries)
    told = f"ring 0 may {', '.join(allowed)}"
    if "write" not in allowed and not is_set(register("cr0"), CR0_WP):
        told += " (and write, since CR0.WP is clear)"
    return told + ("; ring 3 too" if user else "; ring 3 nothing")


def uses_reserved(entries):
    """Is execution forbidden by a bit that the CPU was not told to know?"""
    forbids = any(is_set(entry, NO_EXECUTE) for entry in entries)
    return forbids and not is_set(register("efer"), EFER_NXE)


def obstacle(address):
    """Why there is no walk, or None."""
    if not is_set(register("cr0"), CR0_PG):
        return "Paging is off: every address is physical."
    if not in_long_mode():
        return "The CPU is not in long mode: its page tables have another form."
    if is_set(register("cr4"), CR4_LA57):
        return "The CPU walks five levels (CR4.LA57); pt knows four."
    if not is_canonical(address):
        return f"{address:#x} is not canonical: its bits 63 to 47 differ. #GP, no walk."
    return None


class Pt(Command):
    """pt ADDRESS: walk the page tables, as the CPU does, for an address.

    Each line is one entry on the way from CR3: its index, where it is in
    physical memory, its value, and what it says. The last lines give the
    physical address and what the CPU may do there, which is what all entries
    on the way allow."""

    name = "pt"

    def run(self, argument):
        if not argument:
            raise self.usage()
        address = number(argument)
        reason = obstacle(address)
        if reason:
            raise gdb.GdbError(reason)
        print(f"{named(address)}, CR3 {register('cr3'):#x}")
        steps = walk(address)
        table([self.row(*step) for step in steps])
        self.conclude(address, steps)

    def row(self, name, shift, index, at, entry):
        told = rights(entry, is_page(entry, shift))
        return name, f"[{index}]", f"at {at:#x}", f"{entry:#018x}", told

    def conclude(self, address, steps):
        """Say where the walk has led."""
        _, shift, _, _, last = steps[-1]
        if not is_set(last, PRESENT):
            print("Not mapped: a page fault (#PF).")
            return
        told = physical(address, last, shift)
        print(f"physical {told:#x}, in a page of {SIZES[shift]}")
        entries = [step[-1] for step in steps]
        print(effective(entries))
        if uses_reserved(entries):
            print("But bit 63 is reserved while EFER.NXE is clear: a page fault (#PF).")


Pt()

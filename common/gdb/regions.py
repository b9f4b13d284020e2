"""regions.py: the GDB command `regions`, what the page tables make of all addresses.

pt.py says what an entry says. Here all tables are walked, and pages that follow one
another, of one size and with the same rights, are put together.
"""

import collections
import struct

import gdb

import pt
from command import Command, table
from machine import physical_memory, register
from symbols import sections

ENTRIES = 512
SIGN, HIGH = 47, 0xFFFF << 48  # bits 63 to 48 are copies of bit 47
UNITS = (("GiB", 30), ("MiB", 20), ("KiB", 10))
HOLE = "nothing"

HEADER = ("addresses", "size", "rights", "pages", "what")

# end is the first address behind it; pages is their size, in words.
Run = collections.namedtuple("Run", "start end rights pages")
Name = collections.namedtuple("Name", "start end text")


def entries(address):
    """The entries of a table at a physical address."""
    return struct.unpack(f"<{ENTRIES}Q", physical_memory(address, 8 * ENTRIES))


def pages(root, levels=pt.LEVELS, base=0, above=()):
    """(address, shift, entries on the way) of each page below a table."""
    shift = levels[0][1]
    for index, entry in enumerate(entries(root & pt.ADDRESS)):
        address, way = base | index << shift, (*above, entry)
        if not pt.is_set(entry, pt.PRESENT):
            continue
        if pt.is_page(entry, shift):
            yield address | HIGH * pt.is_set(address, SIGN), shift, way
        else:
            yield from pages(entry, levels[1:], address, way)


def rights(way):
    """What the CPU may do with a page."""
    if pt.uses_reserved(way):
        return HOLE  # each access is a page fault
    return ", ".join(pt.verbs(way) + ["user"] * pt.is_for_user(way))


def runs():
    """The Runs of all pages, in the order of their addresses."""
    found = []
    for address, shift, way in pages(register("cr3")):
        new = Run(address, address + (1 << shift), rights(way), pt.SIZES[shift])
        last = found[-1] if found else None
        if last and (last.end, *last[2:]) == (new.start, *new[2:]):
            found[-1] = last._replace(end=new.end)
        else:
            found.append(new)
    return found


def kernel_names():
    """What the kernel itself calls parts of its address space, in regions.c."""
    try:
        count = int(gdb.parse_and_eval("regions_count"))
        array = gdb.parse_and_eval("regions")
        rows = [array[i] for i in range(count)]
        return [Name(int(r["start"]), int(r["end"]), r["name"].string()) for r in rows]
    except gdb.error:  # it has no such table
        return []


def section_names():
    return [Name(*ends, name) for name, ends in sections().items()]


def called(run, names):
    """The names of all that lies in a run, or that it lies in."""
    return [n.text for n in names if n.start < run.end and run.start < n.end]


def guards(found, image):
    """Holes in the IMAGE, that is, in one of its sections."""
    for one, other in zip(found, found[1:]):
        hole = Run(one.end, other.start, HOLE, "")
        if any(n.start <= hole.start < hole.end <= n.end for n in image):
            yield hole


def size(run):
    """Its size, in the largest unit of which it has a whole number."""
    for unit, shift in UNITS:
        if (run.end - run.start) % (1 << shift) == 0:
            return f"{run.end - run.start >> shift} {unit}"


def row(run, names):
    """The cells of the table for a run."""
    what = next(filter(None, (called(run, some) for some in names)), [])
    place = f"{run.start:#018x}-{run.end - 1:#018x}"
    return (place, size(run), run.rights, run.pages, ", ".join(what))


class Regions(Command):
    """regions: the whole address space of the CPU, as the page tables have it now.

    Each line is a run of pages of one size with the same rights, which are what
    all entries on the way from CR3 allow; "user" means in ring 3, too. Guard
    pages, that is holes in the kernel's image, have a line of their own. The
    names are those of the kernel's table regions[], if it has one; where it says
    nothing, those of the sections of its file."""

    name = "regions"

    def run(self, argument):
        if argument:
            raise self.usage()
        reason = pt.obstacle(0)
        if reason:
            raise gdb.GdbError(reason)
        image, found = section_names(), runs()
        found = sorted([*found, *guards(found, image)])
        names = kernel_names(), image
        print(f"CR3 {register('cr3'):#x}")
        table([HEADER, *(row(run, names) for run in found)])
        if not pt.is_set(register("cr0"), pt.CR0_WP):
            print("CR0.WP is clear: ring 0 may write to every page.")


Regions()

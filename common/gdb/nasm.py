"""nasm.py: mends what NASM notes of a file whose code lies in several sections.

NASM tells GDB the lines of all of it, but of the addresses only where the first
section begins, and the size of all sections together. For code in the others, GDB
then complains that it knows the file and does not find the place in it. So GDB gets
its symbols from a copy of the kernel, in which such a file reaches from its first
address to its last. What other files have in between is still theirs, since GDB
asks .debug_aranges first, and there NASM is right. DWARF 3, "Debugging Information
Entries" and "Accelerated Access".
"""

import struct
import tempfile

import gdb

HEADER, CODE = 11, 1  # the bytes of a unit's header, and of the number after it
PAIR = 16  # an address and a length; or the first address and the last


def sections(elf):
    """{name: (offset, size)} of the sections in a file. ELF-64, "Sections"."""
    (at,) = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<3H", elf, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", elf, at + size * i) for i in range(count)]
    strings = headers[names][4]
    return {text(elf, strings + h[0]): h[4:6] for h in headers}


def text(data, at):
    return bytes(data[at : data.index(b"\0", at)]).decode()


def units(data):
    """(offset, size) of each unit of a section of DWARF's, its length included."""
    at = 0
    while at < len(data):
        size = 4 + struct.unpack_from("<I", data, at)[0]
        yield at, size
        at += size


def ranges(aranges):
    """{offset of a unit in .debug_info: [(address, length)]}."""
    found = {}
    for at, size in units(aranges):
        (unit,) = struct.unpack_from("<I", aranges, at + 6)
        pairs = struct.iter_unpack("<QQ", aranges[at + PAIR : at + size])
        found[unit] = [pair for pair in pairs if pair[1] > 0]
    return found


def is_wrong(low, high, pairs):
    """Is this NASM's mistake?"""
    return len(pairs) > 1 and low == pairs[0][0] and high - low == sum(
        length for _, length in pairs
    )


def mended(elf):
    """The file with the addresses of its units put right; None if they are."""
    found = sections(elf)
    if not {".debug_info", ".debug_aranges"} <= found.keys():
        return None
    info, size = found[".debug_info"]
    at, length = found[".debug_aranges"]
    copy, pairs = bytearray(elf), ranges(elf[at : at + length])
    for unit, _ in units(elf[info : info + size]):
        place, its = info + unit + HEADER + CODE, pairs.get(unit, ())
        if is_wrong(*struct.unpack_from("<QQ", elf, place), its):
            ends = [address + length for address, length in its]
            struct.pack_into("<QQ", copy, place, min(its)[0], max(ends))
    return copy if copy != elf else None


def load():
    """Let GDB read the symbols again, if they have to be mended. Returns the file,
    which is there for as long as somebody keeps it."""
    with open(gdb.current_progspace().filename, "rb") as file:
        copy = mended(file.read())
    if copy is None:
        return None
    kept = tempfile.NamedTemporaryFile(prefix="trapframe-")
    kept.write(copy)
    kept.flush()
    gdb.execute(f"symbol-file {kept.name}", to_string=True)
    return kept


symbols = load()

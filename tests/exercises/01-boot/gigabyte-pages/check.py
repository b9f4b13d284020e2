"""Pages of 1 GiB where the CPU has them, and the same map either way."""

import re
import struct

import elf

PRESENT, WRITABLE, LARGE = 1 << 0, 1 << 1, 1 << 7
ADDRESS = 0x000F_FFFF_FFFF_F000
GIB, MIB, KIB = 1 << 30, 1 << 20, 1 << 10


class Tables:
    """The page tables of a machine, read from its memory."""

    def __init__(self, machine):
        assert machine.run_to_end().kind == "halted", "the kernel does not halt"
        self.machine = machine
        registers = machine.hmp("info registers")
        cr3 = int(re.search(r"CR3=(\w+)", registers)[1], 16)
        [self.pointers] = self.read(cr3, 1)
        self.gigabytes = self.read(self.pointers, 512)

    def read(self, entry, count):
        """The entries of the table that ENTRY points to."""
        data = self.machine.memory(entry & ADDRESS, 8 * count)
        return struct.unpack(f"<{count}Q", data)

    def check(self, entry, address, what):
        """ENTRY maps ADDRESS to itself."""
        flags = PRESENT | WRITABLE
        assert entry & flags == flags, f"{what} at 0x{address:x} is not mapped"
        frame = entry & ADDRESS & ~0x1000  # bit 12 of a large page is PAT
        assert frame == address & ~0x1000, f"0x{address:x} maps to 0x{frame:x}"

    def check_2_mib_pages(self, gigabyte):
        entries = self.read(self.gigabytes[gigabyte], 512)
        for i, entry in enumerate(entries):
            if gigabyte or i:
                self.check(entry, gigabyte * GIB + i * 2 * MIB, "the 2 MiB page")
                assert entry & LARGE
        return entries

    def check_first_gigabyte(self, holes):
        assert self.gigabytes[0] & PRESENT, "the first gigabyte is not mapped"
        assert not self.gigabytes[0] & LARGE, "the first gigabyte has lost its holes"
        first = self.check_2_mib_pages(0)[0]
        assert not first & LARGE, "the first 2 MiB have lost their holes"
        for i, entry in enumerate(self.read(first, 512)):
            if i * 4 * KIB in holes:
                assert not entry & PRESENT, f"there is no hole at 0x{i * 4 * KIB:x}"
            else:
                self.check(entry, i * 4 * KIB, "the page")

    def check_nothing_above(self):
        assert not any(e & PRESENT for e in self.gigabytes[4:]), "more than 4 GiB"


def holes(boot):
    return {0, elf.symbols(boot.args[0].with_suffix(".elf"))["stack_guard"]}


def check_1_gib_pages_where_the_cpu_has_them(boot):
    with boot("-cpu", "max") as machine:
        tables = Tables(machine)
        for i in (1, 2, 3):
            entry = tables.gigabytes[i]
            assert entry & LARGE, f"-cpu max: gigabyte {i} has no page of 1 GiB"
            tables.check(entry, i * GIB, "the 1 GiB page")
        tables.check_first_gigabyte(holes(boot))
        tables.check_nothing_above()


def check_2_mib_pages_where_it_has_not(boot):
    with boot("-cpu", "qemu64") as machine:
        tables = Tables(machine)
        for i in (1, 2, 3):
            large = tables.gigabytes[i] & LARGE
            assert not large, f"-cpu qemu64 has no such pages; gigabyte {i} has one"
            tables.check_2_mib_pages(i)
        tables.check_first_gigabyte(holes(boot))
        tables.check_nothing_above()

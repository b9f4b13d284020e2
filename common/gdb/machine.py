"""machine.py: what the CPU and the memory hold, as numbers."""

import collections
import re

import gdb

WORD = 8  # bytes
ALL_ONES = (1 << 64) - 1
REGISTERS = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15".split()

TableRegister = collections.namedtuple("TableRegister", "selector base limit")


def register(name):
    """A register of the CPU. GDB calls the flags eflags, we rflags."""
    name = "eflags" if name == "rflags" else name
    return int(gdb.newest_frame().read_register(name)) & ALL_ONES


def state():
    """The registers that instructions of the book's kernels change, by name."""
    return {name: register(name) for name in (*REGISTERS, "rip", "rflags")}


def memory(address, size):
    """SIZE bytes at a virtual address. GdbError if it is not mapped."""
    try:
        return bytes(gdb.selected_inferior().read_memory(address & ALL_ONES, size))
    except gdb.MemoryError:
        raise gdb.GdbError(f"There is no memory at {address:#x}.") from None


def word(address):
    """The 64-bit number at a virtual address."""
    return int.from_bytes(memory(address, WORD), "little")


def physical_memory(address, size):
    """SIZE bytes at a physical address, whatever the page tables say."""
    gdb.execute("maintenance packet Qqemu.PhyMemMode:1", to_string=True)
    try:
        return memory(address, size)
    finally:
        gdb.execute("maintenance packet Qqemu.PhyMemMode:0", to_string=True)


def physical_word(address):
    """The 64-bit number at a physical address."""
    return int.from_bytes(physical_memory(address, WORD), "little")


def monitor(line):
    """What QEMU's monitor answers."""
    return gdb.execute(f"monitor {line}", to_string=True)


def table_register(name):
    """GDT, IDT or TR. GDB does not know them, QEMU does."""
    found = re.search(rf"^{name} *= *(.*)", monitor("info registers"), re.M)
    numbers = [int(text, 16) for text in found[1].split()[:3]]
    if name == "TR":
        return TableRegister(*numbers)
    return TableRegister(0, *numbers)


def in_long_mode():
    """Has the CPU left the 32-bit world? (EFER.LMA)"""
    return register("efer") >> 10 & 1 == 1


def disassemble(address):
    """The 64-bit instruction at ADDRESS: its text in Intel's syntax, its length."""
    flavor = gdb.parameter("disassembly-flavor")
    gdb.execute("set disassembly-flavor intel")
    try:
        found = gdb.selected_inferior().architecture().disassemble(address)[0]
    except gdb.MemoryError:
        raise gdb.GdbError(f"There is no code at {address:#x}.") from None
    finally:
        gdb.execute(f"set disassembly-flavor {flavor}")
    return re.sub(r"\s+", " ", found["asm"]).strip(), found["length"]

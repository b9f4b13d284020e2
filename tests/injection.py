"""injection.py: a kernel in which something is broken from outside, while it runs.

    with Victim("09-scheduling") as victim:
        victim.run_to("thread_switch")
        victim.keep()
        victim.set_register("rsp", 0)
        victim.outcome()                # Outcome(kind="halted", told="\\n#DF ...")
        victim.restore()                # as if nothing had happened

What is kept is the whole machine. Its clock counts instructions, so that what is done
at the same place has the same effect each time.
"""

import collections
import importlib.machinery
import importlib.util
import struct
import time
from pathlib import Path

import chapters
import elf
import images
from qemu import DEBUG_EXIT, Machine

DEBUG = str(chapters.ROOT / "common/debug")
COUNTED = "-icount shift=3,sleep=off -rtc base=2020-01-01,clock=vm -seed 1".split()

PRESENT, WRITABLE, NO_EXECUTE = 1 << 0, 1 << 1, 1 << 63
RESERVED = 1 << 51  # more than the address bits of the book's CPU
NEXT_FRAME = 1 << 12
ADDRESS = 0x000F_FFFF_FFFF_F000

# The words of struct trap_frame in exceptions.h.
FRAME = (
    "rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15 vector error_code "
    "rip cs rflags rsp ss"
).split()
FLAG_TF, FLAG_IF = 1 << 8, 1 << 9

# How it ended (qemu.Ending), and what the kernel has said since then.
Outcome = collections.namedtuple("Outcome", "kind told")


def write_empty_image(path):
    """A disk for snapshots."""
    loader = importlib.machinery.SourceFileLoader("debug", DEBUG)
    spec = importlib.util.spec_from_loader("debug", loader)
    debug = importlib.util.module_from_spec(spec)
    loader.exec_module(debug)
    debug.write_empty_image(path)


class Victim(Machine):
    """A kernel, stopped, with hands on its registers and its memory."""

    def __init__(
        self, chapter, source=None, directory=None, seconds=120, exits=False
    ):  # fmt: skip
        """The chapter's kernel, or a test's SOURCE in place of its main.c, which EXITS
        in the end. Only with a DIRECTORY for its disk can the machine be kept."""
        image = images.other(chapter, source) if source else images.image(chapter)
        flags = list(COUNTED)
        if directory:
            disk = Path(directory) / "disk"
            write_empty_image(disk)
            flags += ["-drive", f"if=none,format=qcow2,file={disk}"]
        flags += DEBUG_EXIT if exits else []
        super().__init__(image, *flags, gdb=True, seconds=seconds)
        self.chapter = chapter
        self.seconds = seconds
        self.symbols = elf.symbols(image.with_suffix(".elf"))
        self.stub = self.gdb()
        self.qmp("query-status")  # from now on it tells of a reset, too
        self.told = 0

    def run_to(self, name):
        self.stub.run_to(self.symbols[name])

    def keep(self):
        assert self.hmp("savevm kept") == ""

    def restore(self):
        assert self.hmp("loadvm kept") == ""
        self._rest("stopped")  # what was sent before may still be on its way
        self.told = len(self.serial)
        self.deadline = self.stub.deadline = time.monotonic() + self.seconds

    def outcome(self, until=None):
        """Let it run to its end."""
        self.stub.go_on()
        ending = self.run_to_end(until=until, idle=0.2)
        if ending.kind not in ("reset", "exit"):
            self.stub.stop()
        return Outcome(ending.kind, self.serial[self.told :])

    # Registers and memory

    def register(self, name):
        return self.stub.read_register(name)

    def set_register(self, name, value):
        self.stub.write_register(name, value)

    def word(self, address):
        return int.from_bytes(self.stub.read_memory(address, 8), "little")

    def set_word(self, address, value):
        self.stub.write_memory(address, value.to_bytes(8, "little"))

    def set_frame(self, name, value):
        """Change the trap frame that is the first argument of a function."""
        self.set_word(self.register("rdi") + 8 * FRAME.index(name), value)

    def gate(self, vector):
        """The address of a gate of the IDT."""
        return self.symbols["idt"] + 16 * vector

    def interrupt(self, vector):
        """What the CPU does at an interrupt. Intel SDM volume 3A, "64-Bit Mode
        Stack Frame"."""
        low, high = struct.unpack("<QQ", self.stub.read_memory(self.gate(vector), 16))
        names = ("rip", "cs", "eflags", "rsp", "ss")
        frame = struct.pack("<5Q", *(self.register(name) for name in names))
        rsp = (self.register("rsp") & ~15) - len(frame)
        self.stub.write_memory(rsp, frame)
        self.set_register("rsp", rsp)
        flags = self.register("eflags")
        self.set_register("eflags", flags & ~(FLAG_IF | FLAG_TF))
        entry = low & 0xFFFF | low >> 32 & 0xFFFF0000 | (high & 0xFFFFFFFF) << 32
        self.set_register("rip", entry)

    # Page tables

    def entry(self, address):
        """Where in the direct map the entry of the page of an ADDRESS is."""
        table = self.register("cr3") & ADDRESS
        for shift in (39, 30, 21, 12):
            place = images.DIRECT_MAP + table + 8 * (address >> shift & 511)
            table = self.word(place) & ADDRESS
        return place

    def flip(self, address, bits):
        """Flip BITS of a page's entry. A CPU that has forgotten all it knew sees it."""
        place = self.entry(address)
        self.set_word(place, self.word(place) ^ bits)
        self.set_register("cr3", self.register("cr3"))

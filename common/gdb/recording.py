"""recording.py: what a stretch of instructions does, step by step, as JSON.

The stepper on the book's pages reads it. One object; what the machine holds are
strings of hexadecimal digits, "0x1f", and counts and lines are numbers:

    {"format": "trapframe-steps 1",
     "chapter": "04-returning",
     "moments": {"before": 0, "cpu-pushes": 1, ...},
     "sources": {"isr.asm": {"41": "        push    r15", ...}, ...},
     "steps": [
      {"place": "kernel_main+75", "file": "main.c", "line": 33, "code": "int3",
       "set": {"rax": "0x0", ...}, "stack": {"0x10cff8": ["0x1000d2", "", ""], ...}},
      {"place": "isr_3", "file": "isr.asm", "line": 30, "code": "push 0x0",
       "set": {"rip": "0x101230", "rsp": "0x10cfc8"},
       "stack": {"0x10cfe8": ["0x10", "ss", "cpu"], ...}}, ...]}

A step is the machine before its instruction runs: "code", at "place", is what
comes next. The last step shows where the program went on, and does not run.

set     the registers that differ from the step before; in step 0, all
stack   words of memory that differ: address: [value, name, who]. The name is that
        of a register, a field of the trap frame, "return address", or empty. who
        has written the word: "cpu", "stub" (isr_N), "common" (isr_common), "c",
        or, before the recording, nobody. The stack at a step is the words at rsp,
        rsp+8, ... as far as steps up to this one have given them.
file, line   are left out if they are those of the step before, and null if there
        are none; set and stack are left out if they are empty.
over    true: the instruction is a call that was run as a whole.
moments the number of the step at which something is for the first time as its
        name says; MOMENTS has them. Others are places that come next for the
        first time, such as "frame_alloc".
sources the text of each line that a step names.
"""

import functools
import json
import os
import re

import gdb

import stub
from machine import REGISTERS, WORD, disassemble, memory, register
from symbols import place, source_line
from trapframe import layout, slots

MOMENTS = {
    "before": "the instruction that raises it, or is interrupted, comes next",
    "cpu-pushes": "the CPU has pushed its part",
    "registers-saved": "the stub has pushed the last register",
    "c-handler": "the first instruction of the C function comes next",
    "frame-changed": "C has changed the frame",
    "c-returned": "C has returned to the stub",
    "registers-restored": "the stub has popped the last register",
    "iretq": "iretq comes next",
    "resumed": "the interrupted program goes on",
}
RECORDED = (*REGISTERS, "rip", "rflags", "cs", "ss", "cr2", "cr3")
CONTEXT = 4 * WORD  # of the stack that is there at the beginning
OTHER = 32 * WORD  # of another stack, to which rsp has been moved
REACH = 1 << 16  # bytes: rsp farther from the top is on another stack
PUSHERS = {"the CPU": "cpu", stub.COMMON: "common"}


class Instruction:
    """The instruction that comes next."""

    def __init__(self):
        self.rip = register("rip")
        self.code, length = disassemble(self.rip)
        self.name, _, self.operand = self.code.partition(" ")
        self.end = self.rip + length
        self.in_stub = stub.is_stub(self.rip)
        self.vector = stub.vector_of(self.rip)

    def author(self):
        """Who writes what it writes."""
        if self.vector is not None:
            return "stub"
        return "common" if self.in_stub else "c"

    def callee(self):
        """The name of the function it calls, or nothing."""
        found = re.search(r"<([^+>]+)>", self.operand)
        return found[1] if self.name == "call" and found else ""

    def repeats(self):
        """Is it a string instruction with a repeat prefix?"""
        return self.name.startswith("rep") and not self.operand.startswith("ret")


def is_there(address):
    """Is there memory at ADDRESS?"""
    try:
        return bool(memory(address, WORD))
    except gdb.GdbError:
        return False


class Stack:
    """The words of the stack as the recording knows them."""

    def __init__(self):
        self.words = {}  # address: [value, name, author]
        self.fields = {}  # address: (name, author) in trap frames
        self.top = 0

    def add_frame(self, instruction):
        """The CPU has entered a stub: name the words of the frame to come."""
        frame = stub.frame_at(instruction.rip, register("rsp"))
        for slot in slots(frame - layout()["rip"], instruction.vector):
            author = PUSHERS.get(slot.pusher, "stub")
            self.fields[slot.address] = slot.name, author

    def forget(self, last):
        """What lies below rsp is no word of the stack any more; nor, after the
        instruction LAST has left it, of a trap frame."""
        rsp = register("rsp")
        self.words = {a: word for a, word in self.words.items() if a >= rsp}
        if last and last.name == "iretq":
            self.fields = {a: field for a, field in self.fields.items() if a >= rsp}

    def label(self, address, last):
        """(name, author) of a word that the instruction LAST has written, or nobody
        if that is None."""
        if address in self.fields or last is None:
            return self.fields.get(address, ("", ""))
        name = ""
        if address == register("rsp") and last.name == "call":
            name = "return address"
        elif address == register("rsp") and last.name == "push":
            name = last.operand if last.operand in REGISTERS else ""
        return name, last.author()

    def goes_on(self):
        """Has rsp been moved by no more than what is pushed and popped?"""
        return self.top - REACH <= register("rsp") <= self.top

    def read(self):
        """(address, value) of the words from rsp to the top."""
        rsp = register("rsp")
        data = memory(rsp, self.top - rsp)
        for at in range(0, len(data), WORD):
            yield rsp + at, hex(int.from_bytes(data[at : at + WORD], "little"))

    def change(self, size):
        """Take SIZE bytes from rsp on for the stack, or as many as there are."""
        self.words = {}
        self.top = register("rsp")
        end = self.top + size
        while self.top < end and is_there(self.top):
            self.top += WORD

    def update(self, last):
        """The words that differ after the instruction LAST."""
        author = last if self.goes_on() else None
        if not self.goes_on():
            self.change(OTHER if last else CONTEXT)
        self.forget(last)
        changed = {}
        for address, value in self.read():
            if self.words.get(address, [None])[0] != value:
                changed[address] = [value, *self.label(address, author)]
        self.words.update(changed)
        return changed


class Recording:
    """The steps so far. PLACES are moments when they are reached."""

    def __init__(self, chapter, places=()):
        self.chapter = chapter
        self.places = places
        self.moments = {}
        self.vectors = set()  # of the stubs that have been entered
        self.sources = {}
        self.steps = []
        self.stack = Stack()
        self.registers = {}
        self.line = None  # (file, line) of the last step
        self.last = None  # its instruction

    def add(self):
        """Record the machine as it is; returns the instruction that comes next."""
        now = Instruction()
        if now.vector is not None and not (self.last and self.last.in_stub):
            self.enter(now)
        words = self.stack.update(self.last)
        step = {"place": place(now.rip) or hex(now.rip), **self.source(now.rip)}
        step.update({"code": now.code, "set": self.changed_registers()})
        step["stack"] = {hex(address): word for address, word in words.items()}
        for moment in self.reached(now, words) + self.placed(step["place"]):
            self.moments.setdefault(moment, len(self.steps))
        self.steps.append({key: value for key, value in step.items() if value != {}})
        self.last = now
        return now

    def enter(self, now):
        """The CPU has entered a stub."""
        self.stack.add_frame(now)
        self.vectors.add(now.vector)
        if self.steps:
            self.moments.setdefault("before", len(self.steps) - 1)

    def changed_registers(self):
        old = self.registers
        self.registers = {name: hex(register(name)) for name in RECORDED}
        return {n: value for n, value in self.registers.items() if old.get(n) != value}

    def source(self, rip):
        """File and line, if they are not those of the step before."""
        path, number = source_line(rip) or (None, None)
        file = os.path.basename(path) if path else None
        old, self.line = self.line, (file, number)
        if path:
            self.sources.setdefault(file, {})[str(number)] = text_of(path, number)
        if old == self.line:
            return {}
        new = {"file": file, "line": number}
        return new if not old or old[0] != file else {"line": number}

    def placed(self, place):
        return [place] if place in self.places else []

    def reached(self, now, words):
        """The moments that have come, after the last instruction and before NOW."""
        last = self.last
        if last is None:
            return []
        into, out = now.in_stub and not last.in_stub, last.in_stub and not now.in_stub
        in_c = not now.in_stub and not last.in_stub
        tests = {
            "cpu-pushes": into and now.vector is not None,
            "registers-saved": now.in_stub and last.name == "push" != now.name
            and now.vector is None and last.in_stub,
            "c-handler": out and last.name == "call",
            "frame-changed": in_c and any(a in self.stack.fields for a in words),
            "c-returned": into and now.vector is None,
            "registers-restored": now.in_stub and last.name == "pop" != now.name,
            "iretq": now.in_stub and now.name == "iretq",
            "resumed": last.in_stub and last.name == "iretq",
        }  # fmt: skip
        return [moment for moment, reached in tests.items() if reached]

    def write(self, path):
        """Write the file, with one line for each step; all of it, or none."""
        parts = {"format": "trapframe-steps 1", "chapter": self.chapter}
        parts.update({"moments": self.moments, "sources": self.sources})
        lines = [f"{dumped(key)}:{dumped(value)}" for key, value in parts.items()]
        steps = ",\n".join(map(dumped, self.steps))
        with open(f"{path}.part", "w") as file:
            file.write("{" + ",\n".join(lines) + f',\n"steps":[\n{steps}]}}\n')
        os.replace(f"{path}.part", path)


def dumped(value):
    return json.dumps(value, separators=(",", ":"))


@functools.cache
def lines_of(path):
    with open(path) as file:
        return file.read().split("\n")


def text_of(path, number):
    """A line of a file, or nothing if there is none."""
    try:
        return lines_of(path)[number - 1]
    except (OSError, IndexError):
        return ""

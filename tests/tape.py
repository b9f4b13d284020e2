"""tape.py: a recording for the stepper made by hand, of a kernel of tiny_book.py.

An exception is raised, its handler changes a saved register, works for a while on
a stack of its own and calls something that is not recorded; then all returns. The
format is that of common/gdb/recording.py.
"""

import json

import tiny_book

WORD = 8
OTHER_STACK = 0x9000


class Tape:
    """A machine that is told what it does, and writes that down."""

    def __init__(self):
        self.steps, self.moments = [], {}
        names = [f"r{n}" for n in ("ax", "bx", "cx", "dx", "si", "di", "bp", *range(8, 16))]
        self.registers = {name: 0x1111 * n for n, name in enumerate(names)}
        self.registers.update(r15=0xFFFF_FFFF_8010_0EEE, rsp=0x7FF8, rip=0x1000, rflags=0x46)
        self.registers.update(cs=0x8, ss=0x10, cr2=0)
        self.words = {}  # address: (value, name, who)
        self.told = {}, {}  # what the last step had

    def step(self, place, text, code, moment=None, **more):
        """The instruction CODE at PLACE, on the line with TEXT, comes next."""
        if moment:
            self.moments[moment] = len(self.steps)
        file, line = position(text)
        registers, words = self.told
        step = {"place": place, "file": file, "line": line, "code": code, **more}
        step["set"] = {n: hex(v) for n, v in self.registers.items() if registers.get(n) != v}
        step["stack"] = {
            hex(a): [hex(word[0]), *word[1:]]
            for a, word in self.words.items()
            if words.get(a) != word
        }
        self.steps.append(step)
        self.told = dict(self.registers), dict(self.words)
        self.registers["rip"] += 4

    def set(self, **registers):
        self.registers.update(registers)

    def store(self, address, *word):
        self.words[address] = word

    def push(self, *word):
        self.registers["rsp"] -= WORD
        self.store(self.registers["rsp"], *word)

    def pop(self, *names):
        for name in names:
            value = self.words[self.registers["rsp"]][0]
            self.registers["rsp"] += WORD
            self.registers[name] = value

    def text(self):
        parts = {"format": "trapframe-steps 1", "chapter": "01-one"}
        return json.dumps({**parts, "moments": self.moments, "steps": self.steps})


def position(text):
    """The file of the tiny kernel, and the line in it, with the text."""
    for file in ("boot.asm", "main.c"):
        for number, line in enumerate(tiny_book.FILES[file].splitlines(), 1):
            if text in line:
                return file, number
    raise ValueError(text)


def make():
    tape = Tape()
    tape.store(0x7FF8, 1, "", "")
    tape.store(0x8000, 2, "return address", "c")
    tape.step("kernel_main+4", "helper(origin.x);", "ud2", "before")
    registers = {**tape.registers, "rip": 0x1000}
    tape.set(rsp=0x7FF0)  # a multiple of 16
    for name in ("ss", "rsp", "rflags", "cs", "rip"):
        tape.push(registers[name], name, "cpu")
    tape.step("start", "mov     eax, MAGIC", "push   0x3", "cpu-pushes")
    tape.push(3, "vector", "stub")
    tape.step("start+2", "mov     eax, MAGIC", "push   rbx")
    tape.push(tape.registers["rbx"], "rbx", "common")
    tape.step("start+3", "mov     eax, MAGIC", "push   r15")
    tape.push(tape.registers["r15"], "r15", "common")
    tape.step("start+5", "jmp     .next", "call   0x2000 <helper>", "registers-saved")
    tape.push(0x1018, "return address", "common")
    tape.set(rip=0x2000)
    tape.step("helper", "return a +", "mov    QWORD PTR [rsp+0x10],0x7", "c-handler")
    tape.store(tape.registers["rsp"] + 2 * WORD, 7, "rbx", "common")
    tape.step("helper+4", "return a +", "mov    rsp,rax", "frame-changed")
    own = tape.registers["rsp"]
    tape.set(rsp=OTHER_STACK)
    tape.step("helper+8", "return a +", "push   0x5", "own-stack")
    tape.push(5, "", "c")
    tape.step("helper+12", "return a +", "call   0x3000 <printf>", over=True)
    tape.set(rax=1, rcx=2, rdx=3, rsi=4, rdi=5)
    tape.step("helper+16", "return a +", "mov    rsp,rbp")
    tape.set(rsp=own)
    tape.step("helper+20", "return a +", "ret")
    tape.pop("rip")
    tape.step("start+10", "jmp     .next", "pop    r15", "c-returned")
    tape.pop("r15")
    tape.step("start+12", "jmp     .next", "pop    rbx")
    tape.pop("rbx")
    tape.step("start+13", "jmp     .next", "add    rsp,0x8", "registers-restored")
    tape.set(rsp=tape.registers["rsp"] + WORD, rflags=0x2)
    tape.step("start+17", "jmp     .next", "iretq", "iretq")
    tape.pop("rip", "cs", "rflags", "rsp", "ss")
    tape.set(rip=0x1001)
    tape.step("kernel_main+5", "if (hook)", "mov    edi,0x1", "resumed")
    return tape

"""disassembler.py: the GDB command `code`, a disassembler that knows the CPU's mode.

QEMU's stub takes every CPU for a 64-bit one, and GDB believes it: in the 32-bit
part of boot.asm `x/i` shows nonsense. So ask QEMU for the mode and objdump for
the instructions.
"""

import re
import subprocess
import tempfile

from command import Command
from machine import memory, monitor, register
from symbols import named, number, place

LONGEST = 15  # bytes of an instruction
MACHINES = {"CS16": "i8086", "CS32": "i386", "CS64": "i386:x86-64"}


def cpu_mode():
    """CS16, CS32 or CS64: the kind of code segment the CPU runs in."""
    found = re.search(r"CS =.*(CS\d\d)", monitor("info registers"))
    return found[1] if found else "CS16"  # real mode has no descriptor


def disassemble(address, count):
    """COUNT lines of objdump, from ADDRESS on."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(memory(address, count * LONGEST))
        file.flush()
        command = ["objdump", "-D", "-b", "binary", "-m", MACHINES[cpu_mode()]]
        command += ["-M", "intel", "-w", "--no-show-raw-insn"]
        command += [f"--adjust-vma={address:#x}", file.name]
        text = subprocess.run(command, capture_output=True, text=True).stdout
    return re.findall(r"^ *([0-9a-f]+):\s*(.*?) *$", text, re.M)[:count]


def with_target(instruction):
    """INSTRUCTION, with the name of the place it jumps to or calls."""
    target = re.fullmatch(r"(?:j\w+|call) +(0x[0-9a-f]+)", instruction)
    name = place(int(target[1], 16)) if target else ""
    return f"{instruction} <{name}>" if name else instruction


class Code(Command):
    """code [COUNT]: the next instructions, decoded for the CPU's present mode.

    Five of them, or COUNT. Right in 16-bit, 32-bit and 64-bit code, where GDB's
    own x/i takes all code for 64-bit code."""

    name = "code"

    def run(self, argument):
        count = number(argument) if argument else 5
        arrow = "=>"
        for text, instruction in disassemble(register("rip"), count):
            print(f"{arrow} {named(int(text, 16))}:\t{with_target(instruction)}")
            arrow = "  "


Code()

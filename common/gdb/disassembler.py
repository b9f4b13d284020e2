"""disassembler.py: the GDB command `code`, a disassembler that knows the CPU's mode.

QEMU's stub takes every CPU for a 64-bit one, and GDB believes it: in the 32-bit
part of boot.asm `x/i` shows nonsense. So ask QEMU for the mode and objdump for
the instructions.
"""

import re
import subprocess
import tempfile

import gdb

LONGEST = 15  # bytes of an instruction
MACHINES = {"CS16": "i8086", "CS32": "i386", "CS64": "i386:x86-64"}


def cpu_mode():
    """CS16, CS32 or CS64: the kind of code segment the CPU runs in."""
    registers = gdb.execute("monitor info registers", to_string=True)
    found = re.search(r"CS =.*(CS\d\d)", registers)
    return found[1] if found else "CS16"  # real mode has no descriptor


def disassemble(address, count):
    """COUNT lines of objdump, from ADDRESS on."""
    inferior = gdb.selected_inferior()
    with tempfile.NamedTemporaryFile() as file:
        file.write(inferior.read_memory(address, count * LONGEST))
        file.flush()
        command = ["objdump", "-D", "-b", "binary", "-m", MACHINES[cpu_mode()]]
        command += ["-M", "intel", "-w", "--no-show-raw-insn"]
        command += [f"--adjust-vma={address:#x}", file.name]
        text = subprocess.run(command, capture_output=True, text=True).stdout
    return re.findall(r"^ *([0-9a-f]+):\s*(.*?) *$", text, re.M)[:count]


def symbol(address):
    """"<start+6>" for an address in the kernel, or nothing."""
    text = gdb.execute(f"info symbol {address:#x}", to_string=True)
    name = text.split(" in section")[0].replace(" + ", "+")
    return "" if text.startswith("No symbol") else f" <{name}>"


def with_symbol(instruction):
    """INSTRUCTION, with the name of the place it jumps to or calls."""
    target = re.fullmatch(r"(?:j\w+|call) +(0x[0-9a-f]+)", instruction)
    return instruction + (symbol(int(target[1], 16)) if target else "")


class Code(gdb.Command):
    """code [COUNT]: the next instructions, decoded for the CPU's present mode.
    Five of them, or COUNT. Right in 16-bit, 32-bit and 64-bit code."""

    def __init__(self):
        super().__init__("code", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        count = int(gdb.parse_and_eval(argument)) if argument else 5
        arrow = "=>"
        here = int(gdb.parse_and_eval("$pc"))
        for place, instruction in disassemble(here, count):
            address = int(place, 16)
            name = symbol(address)
            print(f"{arrow} {address:#x}{name}:\t{with_symbol(instruction)}")
            arrow = "  "


Code()

"""Row 2 shows how much of the stack was never used, and it is true."""

import re

import elf


def bytes_never_used(machine):
    assert machine.run_to_end().kind == "halted", "the kernel does not halt"
    row = machine.screen()[2].rstrip()
    shown = re.fullmatch(r"stack: (\d+) bytes never used", row)
    assert shown, f"row 2 is {row!r}, not 'stack: N bytes never used'"
    return int(shown[1])


def dirty(boot, offset):
    """What is shown if the word at OFFSET in the stack is used."""
    symbols = elf.symbols(boot.args[0].with_suffix(".elf"))
    with boot(gdb=True) as machine:
        stub = machine.gdb()
        stub.run_to(symbols["kernel_main"])
        stub.write_memory(symbols["stack_bottom"] + offset, b"\x5a\xc3" * 4)
        stub.go_on()
        return bytes_never_used(machine)


def check_most_of_the_stack_is_never_used(boot):
    with boot() as machine:
        unused = bytes_never_used(machine)
    assert 12 * 1024 <= unused < 16 * 1024, f"{unused} of 16384 is hard to believe"


def check_use_is_seen(boot):
    """Somebody writes into the stack right before the first line of C."""
    unused = dirty(boot, 4000)
    assert unused <= 4000 or unused == 16384, (
        f"byte 4000 was used before kernel_main, and the kernel says that {unused} "
        "bytes were not: is the stack filled too late?"
    )
    assert unused == 4000, f"only byte 4000 was used, and the kernel says {unused}"

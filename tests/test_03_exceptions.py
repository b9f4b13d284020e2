"""test_03_exceptions.py: reports, seen from outside.

What they say about each exception, tests/kernel/03-exceptions/ looks at.
"""

import re

import pytest

import elf
import images
from qemu import Ending, Machine, trim
from told import NUMBER, ROW, logged, registers

WHITE_ON_RED, LIGHT_GREY = 0x4F, 0x07
HALTED = Ending("halted", None)

GENERAL = "rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15".split()
DEMO = (
    r"- the firmware\n- GRUB\n- start, in boot.asm\n- kernel_main\n-\n"
    r"#PF page fault, vector 14\n"
    r"error code 0x0: read in supervisor mode, page not present\n"
    r"cr2 0000000000000008\n" + ROW * 5 +
    rf"rip {NUMBER}  rsp {NUMBER}  cs 0008  ss 0010\n"
    rf"rflags {NUMBER}( \w+)* IOPL=0\n"
    r"code( [0-9a-f]{2}){15}\n"
    rf"  {NUMBER} print_stage\+0x\w+\n"
    rf"  {NUMBER} print_stages\+0x\w+\n"
    rf"  {NUMBER} kernel_main\+0x\w+\n"
    rf"  {NUMBER} start_64\+0x\w+\n"
    r"halted\n"
)  # fmt: skip


@pytest.mark.only("03-exceptions")
@pytest.mark.parametrize("uefi", [False, True], ids=["BIOS", "UEFI"])
def test_last_stage_is_reported(chapter, uefi):
    image = images.hybrid(chapter) if uefi else images.image(chapter)
    with Machine(image, uefi=uefi) as machine:
        assert machine.run_to_end() == HALTED
        assert re.search(DEMO + r"\Z", machine.serial), machine.serial


@pytest.mark.only("03-exceptions")
def test_report_tells_the_truth(chapter):
    """QEMU saw the same registers when it raised the exception."""
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end() == HALTED
        machine.end()
        told, seen = registers(machine.serial), logged(machine, 14)
        for name in [*GENERAL, "rip", "rsp", "rflags", "cr2"]:
            assert told[name] == seen[name], name


@pytest.mark.only("03-exceptions")
def test_report_shows_the_instruction(chapter):
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end() == HALTED
        code = bytes.fromhex(re.search(r"^code (.*)$", machine.serial, re.M)[1])
        assert code == machine.memory(registers(machine.serial)["rip"], 15)


@pytest.mark.only("03-exceptions")
def test_backtrace_names_are_those_of_the_file(chapter):
    symbols = elf.symbols(images.kernel(chapter))
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end() == HALTED
        lines = re.findall(rf"^  ({NUMBER}) (\w+)\+0x(\w+)$", machine.serial, re.M)
        assert len(lines) == 4
        for address, name, offset in lines:
            assert int(address, 16) == symbols[name] + int(offset, 16)


@pytest.mark.only("03-exceptions")
def test_screen_shows_the_whole_report(chapter):
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end() == HALTED
        rows = trim(machine.screen()).splitlines()
        title = rows.index("#PF page fault, vector 14")
        assert rows[-1] == "halted"
        assert rows == machine.serial.splitlines()[-len(rows) :]
        colors = [set(row[:20]) for row in machine.attributes()]
        assert colors[title] == {WHITE_ON_RED}
        assert colors[title - 1] == colors[title + 1] == {LIGHT_GREY}


@pytest.mark.since("03-exceptions")
def test_exceptions_in_a_report_shorten_it(chapter):
    """The second is told in a line, and the third not at all."""
    with Machine(images.other(chapter, "reports/03-exceptions/nested.c")) as machine:
        assert machine.run_to_end() == HALTED
        assert re.fullmatch(
            r"KTAP version 1\n1..1\n"
            r"\n#PF page fault, vector 14\nerror code 0x2:"
            rf"\n#UD invalid opcode at {NUMBER}, w",
            machine.serial,
        ), machine.serial  # fmt: skip


@pytest.mark.since("03-exceptions")
def test_report_of_no_frame_is_a_report(chapter):
    """It raises an exception itself, which is told in a line."""
    with Machine(images.other(chapter, "reports/03-exceptions/no_frame.c")) as machine:
        assert machine.run_to_end() == HALTED
        assert re.fullmatch(
            r"KTAP version 1\n1..1\n"
            rf"\n#PF page fault at {NUMBER}, while reporting\n"
            r"halted\n",
            machine.serial,
        ), machine.serial  # fmt: skip


@pytest.mark.since("03-exceptions")
def test_nmi_is_reported(chapter):
    with Machine(images.other(chapter, "reports/03-exceptions/spins.c")) as machine:
        machine.expect("^spinning$")
        machine.nmi()
        assert machine.run_to_end() == HALTED
        assert "\nNMI non-maskable interrupt, vector 2\nrax " in machine.serial
        assert re.search(r"^  \w+ test_reports\+0x\w+$", machine.serial, re.M)

"""test_06_double_faults.py: exceptions that cannot be delivered or held back.

Which stack they arrive on, tests/kernel/06-double-faults/ looks at.
"""

import random
import re
import struct
import time

import pytest

import elf
import images
from qemu import Ending, Machine, trim
from told import NUMBER, ROW, logged, registers

HALTED = Ending("halted", None)
KERNEL_BASE = 0xFFFFFFFF80000000
CR4_MCE = 1 << 6
STORM = 50  # NMIs

GENERAL = "rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15".split()
REPORT = (
    ROW * 5 +
    rf"rip {NUMBER}  rsp {NUMBER}  cs 0008  ss 0010\n"
    rf"rflags {NUMBER}( \w+)* IOPL=0\n"
    r"code( [0-9a-f]{2}){15}\n"
)  # fmt: skip
STAGES = r"- the firmware\n- GRUB\n- start, in boot.asm\n- kernel_main\n"
OVERFLOWED = "guard page: the kernel stack has overflowed"
DEMO = (
    r"demand-zero memory holds 0\n" + STAGES +
    rf"\n#DF double fault, vector 8\ncr2 {NUMBER}: {OVERFLOWED}\n" + REPORT +
    rf"  {NUMBER} print_stages\+0x\w+\n"
    rf"  {NUMBER} print_stages\+0x\w+, \d+ times\n"
    rf"  {NUMBER} kernel_main\+0x\w+\n"
    rf"  {NUMBER} start_64\+0x\w+\n"
    r"halted\n"
)  # fmt: skip
NMI = rf"\nNMI, unknown cause, before {NUMBER} (\w+)\+0x"
MC_REPORT = r"\n#MC machine check, vector 18\n" + REPORT


def report(name):
    return f"reports/06-double-faults/{name}.c"


def expect_more(machine, told, pattern):
    """Wait for a PATTERN behind the first TOLD characters."""
    return machine.expect(rf"\A(?s:.{{{told}}}.*?){pattern}")


def expect_nmi(machine):
    """Send an NMI, and wait for what is said about it."""
    told = len(machine.serial)
    machine.nmi()
    expect_more(machine, told, rf"{NMI}\w+\n")


def expect_bad_stack(machine, told=0):
    """Wait until the stack pointer is what it is said to be."""
    pointer = expect_more(machine, told, rf"rsp ({NUMBER})\n")[1]
    while f"RSP={pointer}" not in machine.hmp("info registers"):
        assert time.monotonic() < machine.deadline
    return pointer


def cr4(machine):
    return int(re.search(r"CR4=(\w+)", machine.hmp("info registers"))[1], 16)


# The chapter's kernel


@pytest.mark.only("06-double-faults")
@pytest.mark.parametrize("uefi", [False, True], ids=["BIOS", "UEFI"])
def test_overflow_is_reported(chapter, uefi):
    image = images.hybrid(chapter) if uefi else images.image(chapter)
    with Machine(image, uefi=uefi, seconds=120) as machine:
        assert machine.run_to_end() == HALTED
        assert re.search(DEMO + r"\Z", machine.serial), machine.serial


@pytest.mark.only("06-double-faults")
@pytest.mark.parametrize("memory", ["16M", "4G"])
def test_memory_may_be_small_or_large(chapter, memory):
    with Machine(images.image(chapter), "-m", memory) as machine:
        assert machine.run_to_end() == HALTED
        assert re.search(DEMO + r"\Z", machine.serial), machine.serial


@pytest.mark.only("06-double-faults")
def test_screen_shows_the_whole_report(chapter):
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end() == HALTED
        rows = trim(machine.screen()).splitlines()
        assert "#DF double fault, vector 8" in rows
        assert rows[-1] == "halted"
        assert rows == machine.serial.splitlines()[-len(rows) :]


@pytest.mark.only("06-double-faults")
def test_report_tells_the_truth(chapter):
    """QEMU saw the same registers when it raised the exception."""
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end() == HALTED
        machine.end()
        told, seen = registers(machine.serial), logged(machine, 8)
        for name in [*GENERAL, "rip", "rsp", "rflags", "cr2"]:
            assert told[name] == seen[name], name
        vectors = [line.split()[0] for line in machine.exceptions()[-2:]]
        assert vectors == ["v=0e", "v=08"]


@pytest.mark.only("06-double-faults")
def test_overflow_is_at_the_edge_of_the_stack(chapter):
    symbols = elf.symbols(images.kernel(chapter))
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end() == HALTED
        told = registers(machine.serial)
        assert symbols["stack_guard"] <= told["cr2"] < symbols["stack_bottom"]
        assert told["rsp"] - told["cr2"] <= 48


@pytest.mark.only("06-double-faults")
def test_calls_are_as_many_as_the_stack_has_room_for(chapter):
    """The frames that the host finds in the stack that overflowed."""
    symbols = elf.symbols(images.kernel(chapter))
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end() == HALTED
        told = registers(machine.serial)
        line = rf"^  ({NUMBER}) print_stages\+0x\w+, (\d+) times$"
        address, times = re.search(line, machine.serial, re.M).groups()
        bottom, top = symbols["stack_bottom"], symbols["stack_top"]
        stack = machine.memory(bottom - KERNEL_BASE, top - bottom)
        words = struct.unpack(f"<{len(stack) // 8}Q", stack)
        assert bottom <= told["rbp"] < top
        assert words.count(int(address, 16)) == int(times)
        room = top - told["rsp"]
        frame = words[(told["rbp"] - bottom) // 8] - told["rbp"]
        assert room - 512 <= int(times) * frame <= room


@pytest.mark.only("06-double-faults")
def test_nmi_after_the_end_is_told(chapter):
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end() == HALTED
        for count in (1, 2, 3):
            expect_nmi(machine)
            assert machine.run_to_end() == HALTED
            assert re.search(rf"\nhalted\n({NMI}\w+\n){{{count}}}\Z", machine.serial)


@pytest.mark.only("06-double-faults")
@pytest.mark.parametrize("flags", ["-mce,-mca", "-mca", "-mce"])
def test_cpu_may_lack_machine_checks(chapter, flags):
    with Machine(images.image(chapter), "-cpu", f"qemu64,{flags}") as machine:
        assert machine.run_to_end() == HALTED
        assert re.search(DEMO + r"\Z", machine.serial), machine.serial
        assert bool(cr4(machine) & CR4_MCE) == ("-mce" not in flags)


# NMIs


@pytest.mark.since("06-double-faults")
def test_storm_of_nmis_changes_nothing(chapter):
    moments = random.Random(6)
    with Machine(images.other(chapter, report("storm"))) as machine:
        machine.expect(r"^storm\n\.")
        for _ in range(STORM):
            time.sleep(moments.random() / 50)
            expect_nmi(machine)
        expect_more(machine, len(machine.serial), r"\.+")
        assert "changed" not in machine.serial
        places = re.findall(NMI, machine.serial)
        assert len(places) == STORM
        assert places.count("storm_wait") > STORM / 2


@pytest.mark.since("06-double-faults")
def test_nmi_needs_no_stack(chapter):
    told, pointers = 0, []
    with Machine(images.other(chapter, report("bad_stacks"))) as machine:
        for _ in range(4):
            pointers.append(expect_bad_stack(machine, told))
            expect_nmi(machine)
            expect_nmi(machine)
            told = len(machine.serial)
            machine.send("x")
            expect_more(machine, told, "back\n")
        assert re.findall(NMI, machine.serial) == ["waiting"] * 8
        assert len(set(pointers)) == 4


# Machine checks


def inject(machine, bank, status, address=0x1234000):
    """An error, and unless it is corrected (no bit 61) a machine check."""
    machine.hmp(f"mce 0 {bank} {status:#x} 5 {address:#x} 0")


@pytest.mark.since("06-double-faults")
@pytest.mark.parametrize("bank", [0, 1, 9])
def test_machine_check_is_reported(chapter, bank):
    with Machine(images.other(chapter, report("bad_stacks"))) as machine:
        expect_bad_stack(machine)
        inject(machine, bank, 0xB200000000000000)
        assert machine.run_to_end() == HALTED
        told = rf"machine check: bank {bank}, status b200000000000000\n"
        assert re.search(told + MC_REPORT, machine.serial), machine.serial
        assert re.search(r"^  \w+ waiting\+0x", machine.serial, re.M)
        assert registers(machine.serial)["rsp"] == 0


@pytest.mark.since("06-double-faults")
def test_machine_check_tells_the_address(chapter):
    with Machine(images.other(chapter, report("storm"))) as machine:
        machine.expect(r"^storm\n\.")
        inject(machine, 3, 0x9600000000000135, 0x5678000)
        inject(machine, 1, 0xB600000000000000)
        assert machine.run_to_end() == HALTED
        told = (
            r"machine check: bank 1, status b600000000000000, "
            r"address 0000000001234000\n"
            r"machine check: bank 3, status 9600000000000135, "
            r"address 0000000005678000\n"
        )
        assert re.search(told + MC_REPORT, machine.serial), machine.serial


# Faults in handlers and in reports


def told_by(chapter, name):
    """What a kernel says before it halts."""
    with Machine(images.other(chapter, report(name))) as machine:
        assert machine.run_to_end() == HALTED
        return machine.serial.removeprefix("KTAP version 1\n1..1\n")


@pytest.mark.since("06-double-faults")
def test_handler_that_needs_itself_is_reported(chapter):
    text = told_by(chapter, "handler_faults")
    title = rf"\n#DF double fault, vector 8\ncr2 {NUMBER}: {OVERFLOWED}\n"
    assert re.match(title + REPORT, text), text
    assert re.search(r"^  \w+ isr_common\+0x\w+, \d\d times$", text, re.M), text
    assert text.endswith("\nhalted\n")


@pytest.mark.since("06-double-faults")
def test_fault_in_a_handler_is_reported(chapter):
    text = told_by(chapter, "handler_divides")
    assert re.match(r"\n#DE divide error, vector 0\n" + REPORT, text), text
    assert re.search(r"^  \w+ dividing_handler\+0x", text, re.M), text
    assert text.endswith("\nhalted\n")


@pytest.mark.since("06-double-faults")
def test_report_that_overflows_the_stack_ends(chapter):
    text = told_by(chapter, "report_overflows")
    assert re.fullmatch(
        r"\n#PF page fault, vector 14\nerror code 0x2:"
        rf"\n#DF double fault at {NUMBER}, while reporting\nhalted\n",
        text,
    ), text  # fmt: skip


@pytest.mark.since("06-double-faults")
def test_report_of_a_double_fault_that_overflows_ends(chapter):
    text = told_by(chapter, "double_fault_overflows")
    assert re.fullmatch(
        rf"\n#DF double fault, vector 8\ncr2 {NUMBER}:"
        rf"\n#DF double fault at {NUMBER}, while reporting\nhalted\n",
        text,
    ), text  # fmt: skip

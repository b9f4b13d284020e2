"""test_01_boot.py: from GRUB to C, seen from outside.

How the CPU and its tables are once C runs, tests/kernel/01-boot/ looks at.
"""

import os
import struct
import subprocess

import pytest

import chapters
import elf
import images
import ktap
from qemu import Ending, Machine

LIGHT_GREY, WHITE_ON_RED = 0x07, 0x4F
INTERRUPT_FLAG, DIRECTION_FLAG = 1 << 9, 1 << 10
CELLS = 80 * 25
SCREEN = 0xB8000
UART_DATA, UART_IER, UART_LCR = 0x3F8, 0x3F9, 0x3FB
CPUID, HLT, REP_STOSW = b"\x0f\xa2", b"\xf4", b"\xf3\x66\xab"
MOV_CR4_EAX = b"\x0f\x22\xe0"
SCRATCH = 0x300000  # memory that nobody uses
HALTED = Ending("halted", None)

NO_LOADER = "Trapframe has to be started by a Multiboot2 loader, such as GRUB 2."
NO_CPUID = "Trapframe needs a 64-bit CPU, and this one is too old even for CPUID."
NO_LONG_MODE = "Trapframe needs a 64-bit CPU, and this one has no long mode."

MACHINES = {
    "old": "-cpu qemu64 -M pc -m 16M",
    "Nehalem": "-cpu Nehalem -smp 4",
    "Skylake": "-cpu Skylake-Client -m 4G",
    "EPYC": "-cpu EPYC",
    "max": "-cpu max",
}


@pytest.fixture
def started(chapter):
    """A machine stopped at the kernel's first instruction, and its symbols."""
    with Machine(images.image(chapter), gdb=True) as machine:
        symbols = elf.symbols(images.kernel(chapter))
        stub = machine.gdb()
        stub.run_to(symbols["start"])
        yield machine, stub, symbols


def disturb(machine, stub):
    """Leave serial port, screen and the cell behind it as a careless loader might."""
    machine.hmp(f"o /b {UART_LCR} 0x80")
    machine.hmp(f"o /b {UART_DATA} 0x60")
    machine.hmp(f"o /b {UART_IER} 0x01")
    machine.hmp(f"o /b {UART_LCR} 0x1b")
    machine.hmp(f"o /b {UART_IER} 0x0f")
    # The debugger cannot write to the screen, the CPU can.
    execute(stub, REP_STOSW, rax=0x1E3F, rcx=CELLS + 1, rdi=SCREEN)
    assert machine.screen()[24][79] == "?"


def execute(stub, instruction, **values):
    """Let the CPU execute an instruction of ours, with VALUES in registers."""
    values["rip"] = SCRATCH
    saved = {name: stub.read_register(name) for name in values}
    stub.write_memory(SCRATCH, instruction)
    for name, value in values.items():
        stub.write_register(name, value)
    stub.run_to(SCRATCH + len(instruction))
    for name, value in saved.items():
        stub.write_register(name, value)


# ---- The file


@pytest.mark.since("01-boot")
def test_grub_finds_the_header(chapter):
    tool = os.environ.get("GRUB", "grub") + "-file"
    command = [tool, "--is-x86-multiboot2", images.kernel(chapter)]
    assert subprocess.run(command).returncode == 0


@pytest.mark.since("01-boot")
def test_header_is_early_and_its_sum_is_0(chapter):
    data = images.kernel(chapter).read_bytes()[: 32 * 1024]
    magic = struct.pack("<I", 0xE85250D6)
    [at] = [i for i in range(0, len(data), 8) if data[i : i + 4] == magic]
    fields = struct.unpack_from("<4I", data, at)
    assert fields[1] == 0  # 32-bit protected mode
    assert sum(fields) % 2**32 == 0
    assert data[at : at + fields[2]].endswith(struct.pack("<HHI", 0, 0, 8))


@pytest.mark.since("01-boot")
def test_no_segment_is_writable_and_executable(chapter):
    segments = elf.segments(images.kernel(chapter))
    assert {s.flags for s in segments if s.kind == "LOAD"} == {"RE", "R", "RW"}
    assert not [s for s in segments if "W" in s.flags and "E" in s.flags]


# ---- The way to C


@pytest.mark.only("01-boot")
def test_screen_shows_two_lines_and_nothing_else(chapter, started):
    machine, stub, _ = started
    disturb(machine, stub)
    stub.go_on()
    assert machine.run_to_end() == HALTED
    lines = ["Trapframe", "This is C, in 64-bit mode."] + 23 * [""]
    assert machine.screen() == [line.ljust(80) for line in lines]
    assert b"".join(machine.attributes()) == bytes([LIGHT_GREY]) * CELLS
    assert machine.memory(SCREEN + 2 * CELLS, 2) == b"\x3f\x1e"  # as it was
    assert machine.serial == ""


@pytest.mark.since("01-boot")
def test_c_starts_from_a_clean_state(chapter, started):
    """Whatever the loader and the mode switch leave in flags and registers."""
    _, stub, symbols = started
    flags = stub.read_register("eflags")
    stub.write_register("eflags", flags | DIRECTION_FLAG)
    info = stub.read_register("rbx")

    stub.run_to(symbols["start_64"])
    for name in "rax rbx rcx rdx rsi rdi rbp rsp r8 r15".split():
        low = stub.read_register(name) & 0xFFFFFFFF
        stub.write_register(name, 0xBAD << 32 | low)

    stub.run_to(symbols["kernel_main"])
    assert stub.read_register("rdi") == images.direct_map(chapter) + info
    assert stub.read_register("rsp") == symbols["stack_top"] - 8
    assert stub.read_register("rbp") == 0
    assert not stub.read_register("eflags") & DIRECTION_FLAG


@pytest.mark.since("01-boot")
def test_nothing_of_the_firmwares_paging_is_left(chapter, started):
    """Whatever bits CR4 has, such as that of global pages."""
    machine, stub, symbols = started
    execute(stub, MOV_CR4_EAX, rax=1 << 7 | 1 << 3)
    assert "CR4=00000088" in machine.hmp("info registers")
    stub.run_to(symbols["kernel_main"])
    assert "CR4=00000020" in machine.hmp("info registers")  # PAE


def assert_halts_for_good(stub, address):
    """At ADDRESS stand cli, hlt and a jump back to it."""
    stub.run_to(address)
    flags = stub.read_register("eflags")
    stub.write_register("eflags", flags | INTERRUPT_FLAG)
    stub.step()
    assert not stub.read_register("eflags") & INTERRUPT_FLAG
    hlt = stub.read_register("rip")
    assert stub.read_memory(hlt, 1) == HLT
    stub.write_register("rip", hlt + 1)  # an NMI has ended it
    stub.step()
    assert stub.read_register("rip") == address


@pytest.mark.since("01-boot")
def test_cpu_halts_after_kernel_main(chapter, started):
    _, stub, symbols = started
    stub.run_to(symbols["kernel_main"])
    stub.write_register("rip", symbols["halt"])
    assert_halts_for_good(stub, symbols["halt"])


@pytest.mark.since("01-boot")
def test_memory_need_not_be_clean(chapter, tmp_path):
    """The loader clears .bss and nothing else; what is left must not matter."""
    dirt = tmp_path / "dirt"
    dirt.write_bytes(b"\xcc" * (4 << 20))
    device = f"loader,file={dirt},addr=0x100000,force-raw=on"
    assert_boots(chapter, "-device", device)


def assert_boots(chapter, *flags):
    """The tests of entry.c pass, whatever the chapter's own main does."""
    source = "kernel/01-boot/entry.c"
    names = ktap.tests_in((chapters.ROOT / "tests" / source).read_text())
    report, everything = ktap.run(images.other(chapter, source), *flags)
    complaint = report.complaint(names)
    assert not complaint, f"{complaint}\n{everything}"
    assert all(report.results.values()), everything


@pytest.mark.since("01-boot")
@pytest.mark.parametrize("name", MACHINES)
def test_boots(chapter, name):
    assert_boots(chapter, *MACHINES[name].split())


def assert_hybrid_boots(chapter, **way):
    with Machine(images.hybrid(chapter), **way) as machine:
        ending = machine.run_to_end()
        assert ending.kind in ("halted", "idle"), machine.report(ending)
        assert images.runs_kernel(machine, chapter)


@pytest.mark.since("01-boot")
@pytest.mark.parametrize("disk", [False, True], ids=["cd", "disk"])
def test_hybrid_image_boots(chapter, disk):
    assert_hybrid_boots(chapter, disk=disk)


@pytest.mark.only("01-boot")  # later kernels tell: test_02_vga.py
def test_hybrid_image_boots_from_uefi(chapter):
    assert_hybrid_boots(chapter, uefi=True)


# ---- What it cannot run on


def assert_on_screen(machine, sentence):
    """The sentence, white on red, then nothing; and the CPU is halted."""
    assert machine.run_to_end() == HALTED
    assert "".join(machine.screen()) == sentence.ljust(CELLS)
    red = bytes([WHITE_ON_RED]) * len(sentence)
    colors = b"".join(machine.attributes())
    assert colors == red.ljust(CELLS, bytes([LIGHT_GREY]))


def assert_refuses(machine, sentence):
    assert_on_screen(machine, sentence)
    assert machine.serial == sentence + "\n"


@pytest.mark.since("01-boot")
@pytest.mark.parametrize("cpu", ["qemu32", "pentium3", "486"])
def test_cpu_without_long_mode(chapter, cpu):
    with Machine(images.image(chapter), "-cpu", cpu) as machine:
        assert_refuses(machine, NO_LONG_MODE)


@pytest.mark.since("01-boot")
def test_cpu_without_long_mode_and_no_serial_port(chapter):
    with Machine(images.image(chapter), "-cpu", "qemu32", serial=False) as machine:
        assert_on_screen(machine, NO_LONG_MODE)


def read_port(machine, port):
    """What the machine answers to an in instruction."""
    return int(machine.hmp(f"i /xb {port}").split("=")[1], 16)


@pytest.mark.since("01-boot")
def test_loader_without_multiboot2(chapter, started):
    machine, stub, _ = started
    disturb(machine, stub)
    stub.write_register("rax", 0x2BADB002)  # the first Multiboot's
    stub.go_on()
    assert_refuses(machine, NO_LOADER)
    assert read_port(machine, UART_LCR) == 0x03  # 8N1
    assert read_port(machine, UART_IER) == 0
    machine.hmp(f"o /b {UART_LCR} 0x83")
    assert read_port(machine, UART_DATA) == 1  # the divisor
    assert read_port(machine, UART_IER) == 0


@pytest.mark.since("01-boot")
def test_refusal_waits_for_the_port_and_halts(chapter, started):
    _, stub, symbols = started
    stub.write_register("rax", 0)
    stub.run_to(symbols["send.wait"])
    for status in (0x00, 0x5F, 0x20):
        assert stub.read_register("rip") == symbols["send.wait"], hex(status)
        stub.step()
        stub.write_register("rax", status)  # what the port has answered
        stub.step()
        stub.step()
    assert stub.read_register("rip") != symbols["send.wait"]
    assert_halts_for_good(stub, symbols["fail.halt"])


@pytest.mark.since("01-boot")
def test_cpu_without_the_leaf_that_tells(chapter, started):
    """What CPUID says of a leaf that does not exist must not be believed."""
    machine, stub, symbols = started
    stub.run_to(symbols["check_long_mode"])
    while stub.read_memory(stub.read_register("rip"), 2) != CPUID:
        stub.step()
    stub.step()
    stub.write_register("rax", 0x80000000)  # the highest leaf
    stub.go_on()
    assert_refuses(machine, NO_LONG_MODE)


@pytest.mark.since("01-boot")
def test_cpu_without_cpuid(chapter, started):
    machine, stub, symbols = started
    stub.run_to(symbols["check_cpuid.compare"])
    stub.write_register("rax", stub.read_register("rcx"))
    stub.go_on()
    assert_refuses(machine, NO_CPUID)

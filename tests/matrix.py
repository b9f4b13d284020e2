"""matrix.py: every chapter in every environment that the book speaks of.

    matrix.py [CHAPTER...]      boots them, writes build/matrix.tsv
    matrix.py --record          boots all; if none fails, writes tests/matrix.tsv, too

The table has a line a cell: chapter, environment, "pass" or "fail", milliseconds. A
cell passes if the kernel says what the chapter's kernel has to say, and ends as it has
to: CLAIMS. What a failing cell said is printed. The exit status is 1 if any failed.
The record, tests/matrix.tsv, is what the book shows: no milliseconds, but date,
versions, and digests of the sources.

Not each combination is tried. Most environments differ from that of the book, gcc -O2
on a QEMU with BIOS that boots from a CD, in one thing; some in two that might have to
do with each other.
"""

import concurrent.futures
import dataclasses
import os
import re
import sys
import time
import traceback

import bochs
import chapters
import elf
import images
import qemu
import records
import sources

RESULT = chapters.ROOT / "build/matrix.tsv"
RECORD = chapters.ROOT / "tests/matrix.tsv"
PROGRAMS = "gcc", "clang", "NASM", "GNU ld", "GRUB", "QEMU", "OVMF", "Bochs"
SECONDS = 120  # a cell's time, of which a slow machine needs a part
MEMORY_64G = (
    "-m 64G -object memory-backend-ram,id=m,size=64G,reserve=off "
    "-machine memory-backend=m"
)


@dataclasses.dataclass(frozen=True)
class Environment:
    """What a chapter is built with and booted on."""

    name: str
    flags: str = ""  # for QEMU
    toolchain: str = "gcc-O2"
    uefi: bool = False
    medium: str = "CD"
    refused: bool = False  # the kernel has to say that it needs another CPU
    emulator: str = "QEMU"


def environments():
    """All of them, the book's own first."""
    yield Environment("QEMU, gcc -O2")
    for name in ("gcc-O0", "gcc-Os", "clang-O2", "clang-O0", "clang-Os"):
        yield Environment(name.replace("-", " -"), toolchain=name)
    for cpu in ("qemu64", "Nehalem", "Skylake-Client", "EPYC", "max"):
        yield Environment(cpu, f"-cpu {cpu}")
    for cpu in ("qemu32", "pentium3"):
        yield Environment(cpu, f"-cpu {cpu}", refused=True)
    yield Environment("an older PC", "-M pc")
    yield Environment("16 MiB", "-m 16M")
    yield Environment("4 GiB", "-m 4G")
    yield Environment("64 GiB", MEMORY_64G)
    yield Environment("4 CPUs", "-smp 4")
    yield Environment("USB stick", medium="stick")
    yield Environment("AHCI disk", medium="disk")
    yield Environment("UEFI", uefi=True)
    yield Environment("UEFI, clang -O0", uefi=True, toolchain="clang-O0")
    yield Environment("UEFI, USB stick", uefi=True, medium="stick")
    yield Environment("UEFI, AHCI disk", uefi=True, medium="disk")
    yield Environment("UEFI, 64 GiB", MEMORY_64G, uefi=True)
    yield Environment("UEFI, 4 CPUs, max", "-smp 4 -cpu max", uefi=True)
    yield Environment("Bochs", emulator="Bochs")


# What a chapter's kernel has to say, in this order, by lines: patterns. It halts, or
# asks for a line: then it is asked, and each answer has to have a pattern.
GREETING = (r"^Trapframe, loaded by GRUB", r"^serial port: COM1, 115200 baud$")
CLAIMS = {
    "01-boot": (r"^Trapframe$", r"^This is C, in 64-bit mode\.$"),
    "02-vga": GREETING,
    "03-exceptions": (
        *GREETING,
        r"^#PF page fault, vector 14$",
        r"^error code 0x0: read in supervisor mode, page not present$",
        r"^  \w+ print_stage\+",
        r"^  \w+ kernel_main\+",
    ),
    "04-returning": (
        *GREETING,
        r"^1 \+ 2 \+ 3 = 6$",
        r"^the page holds 42$",
        r"^probe 0000800000000000: nothing$",
        r"^the next instructions:$",
    ),
    "05-paging": (
        *GREETING,
        r"^0 \+ 1 \+ 2 \+ 3 = 6, in 13 frames$",
        r"^error code 0x3: write in supervisor mode, not permitted$",
        r"^cr2 \w+: kernel code cannot be written$",
    ),
    "06-double-faults": (
        *GREETING,
        r"^#DF double fault, vector 8$",
        r"^cr2 \w+: guard page: the kernel stack has overflowed$",
    ),
}
QUESTIONS = {
    "07-interrupts": {"uptime": r"^\d+\.\d{3} s", "mem": r"^\w+-\w+ rw- kernel stack$"},
    "08-heap": {"alloc 5000": r"\w{16}", "heap": r"^\d+ large blocks"},
    "09-scheduling": {"start counter": r"", "ps": r"^ +\d+ counter +"},
}
FAULT = ("fault divide", r"^#DE divide error, vector 0\b")
REFUSAL = (r"^Trapframe needs a 64-bit CPU, and this one has no long mode\.$",)


class Wrong(Exception):
    """The kernel did not do what it has to."""


def assert_says(text, patterns):
    """Has TEXT all of PATTERNS, one after the other?"""
    at = 0
    for pattern in patterns:
        found = re.compile(pattern, re.M).search(text, at)
        if not found:
            raise Wrong(f"it does not say /{pattern}/; it says:\n{text}")
        at = found.end()


def questions(chapter):
    """What to ask at a chapter's prompt, and what has to come; none where there is
    no prompt."""
    asked = {}
    for first, more in QUESTIONS.items():
        if chapter >= first:
            asked |= more
    return [*asked.items(), FAULT] if asked else []


def claims(chapter):
    return CLAIMS.get(chapter, GREETING)


# QEMU


def stick(image):
    """QEMU's flags for a USB stick with the image."""
    drive = f"if=none,id=stick,format=raw,snapshot=on,file={image}"
    usb = "-device qemu-xhci -device usb-storage,drive=stick,bootindex=0"
    return ["-drive", drive, *usb.split()]


def boot(chapter, environment):
    """A machine with the chapter's kernel."""
    is_plain = environment.medium == "CD" and not environment.uefi
    make = images.image if is_plain else images.hybrid
    image, flags = make(chapter, environment.toolchain), environment.flags.split()
    if environment.medium == "stick":
        image, flags = None, [*flags, *stick(image)]
    return qemu.Machine(
        image,
        *flags,
        disk=environment.medium == "disk",
        uefi=environment.uefi,
        seconds=SECONDS,
    )


def converse(machine, chapter):
    """Ask the kernel, and compare its answers."""
    for line, pattern in questions(chapter):
        answer = machine.ask(line)
        if not re.search(pattern, answer, re.M):
            raise Wrong(f"asked for {line} it does not say /{pattern}/ but:\n{answer}")


def in_qemu(chapter, environment):
    with boot(chapter, environment) as machine:
        if chapter >= "07-interrupts" and not environment.refused:
            converse(machine, chapter)
        ending = machine.run_to_end()
        if ending.kind != "halted":
            raise Wrong(machine.report(f"it does not halt: {ending.kind}"))
        if chapter == "01-boot" and environment.uefi:
            return assert_runs(machine, chapter, environment.toolchain)
        screen = chapter == "01-boot" and not environment.refused
        text = qemu.trim(machine.screen()) if screen else machine.serial
        assert_says(text, REFUSAL if environment.refused else claims(chapter))


def assert_runs(machine, chapter, toolchain):
    """The first chapter writes to the text screen only, and UEFI has none: that it is
    the kernel which has halted is all that can be seen."""
    if not images.runs_kernel(machine, chapter, toolchain):
        raise Wrong(machine.report("the CPU has halted somewhere else"))


# Bochs


def in_bochs(chapter, environment):
    image = images.image(chapter, environment.toolchain)
    if chapter == "01-boot":
        stop = elf.symbols(images.kernel(chapter, environment.toolchain))["halt"]
        with bochs.Bochs(image, stop, SECONDS) as machine:
            return assert_says(qemu.trim(machine.screen()), claims(chapter))
    with bochs.Bochs(image, seconds=SECONDS) as machine:
        for pattern in claims(chapter):
            machine.expect(pattern)
        converse(machine, chapter)


# The table


def cell(chapter, environment):
    """One row of the table, and what went wrong, if anything did."""
    started = time.monotonic()
    run = in_bochs if environment.emulator == "Bochs" else in_qemu
    wrong = None
    try:
        run(chapter, environment)
    except (Wrong, qemu.MachineError, chapters.BuildError) as error:
        wrong = str(error)
    except Exception:
        wrong = traceback.format_exc()
    taken = round(1000 * (time.monotonic() - started))
    return (chapter, environment.name, "fail" if wrong else "pass", taken), wrong


def build_all(wanted, everywhere):
    """Build before the machines run: a build takes all processors."""
    for chapter in wanted:
        for toolchain in {environment.toolchain for environment in everywhere}:
            images.image(chapter, toolchain)
        for toolchain in {e.toolchain for e in everywhere if e.uefi or e.medium != "CD"}:
            images.hybrid(chapter, toolchain)


def rows(wanted, everywhere):
    """All rows, in order, as soon as they are known."""
    cells = [(chapter, each) for chapter in wanted for each in everywhere]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda names: cell(*names), cells)


def record(before, table):
    """Write it down, unless something has changed since BEFORE, while it ran."""
    sources.check_unchanged(before)
    head = records.head(*PROGRAMS) | before
    records.write(RECORD, "make matrix RECORD=1", head, [row[:3] for row in table])
    print(f"recorded in {RECORD}")


def run_all(wanted):
    """Run, print and write all rows; them, and how many failed."""
    everywhere = list(environments())
    build_all(wanted, everywhere)
    table, failed = [], 0
    for row, wrong in rows(wanted, everywhere):
        print("{:18} {:20} {} {:6} ms".format(*row), flush=True)
        if wrong:
            failed += 1
            print(wrong, file=sys.stderr)
        table.append(row)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("".join("\t".join(map(str, row)) + "\n" for row in table))
    print(f"{len(table) - failed} of {len(table)} pass")
    return table, failed


def main(arguments):
    recording = arguments == ["--record"]
    names = [] if recording else arguments
    wanted = [chapters.find(name) for name in names] or chapters.names()
    before = sources.head()
    table, failed = run_all(wanted)
    if recording and failed:
        print("not recorded, since not all pass", file=sys.stderr)
    elif recording:
        record(before, table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

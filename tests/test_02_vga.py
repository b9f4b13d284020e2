"""test_02_vga.py: screen, wire and panics, seen from outside.

What the functions do, tests/kernel/02-vga/ looks at, and test_02_library.py.
"""

import re

import pytest

import chapters
import elf
import images
from qemu import Ending, Machine, trim

WHITE_ON_RED = 0x4F
COLUMNS, ROWS = 80, 25
HALTED = Ending("halted", None)

PANICS = chapters.ROOT / "tests/panics"


def rows(text):
    """TEXT as a screen shows it."""
    lines = text.expandtabs(8).split("\n")
    parts = [re.findall(f".{{1,{COLUMNS}}}", line) or [""] for line in lines]
    return sum(parts, [])


@pytest.mark.only("02-vga")
def test_kernel_tells_what_it_found(chapter):
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end() == HALTED
        lines = machine.serial.splitlines()
        assert re.fullmatch(r"Trapframe, loaded by GRUB 2\.\S+", lines[0])
        size = re.fullmatch(r"boot information: (\d+) bytes at 0x(\w+)", lines[1])
        assert int.from_bytes(machine.memory(int(size[2], 16), 4), "little") == int(
            size[1]
        )
        assert lines[2] == "screen: VGA text, 80 x 25"
        assert lines[3:] == ["serial port: COM1, 115200 baud"]


@pytest.mark.since("02-vga")
def test_screen_and_wire_say_the_same(chapter):
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end().kind in ("halted", "idle")
        assert machine.serial
        assert trim(machine.screen()) == trim(rows(machine.serial)[-ROWS:])


@pytest.mark.since("02-vga")
def test_without_a_serial_port_the_screen_tells(chapter):
    symbols = elf.symbols(images.kernel(chapter))
    with Machine(images.image(chapter), serial=False, gdb=True) as machine:
        stub = machine.gdb()
        stub.run_to(symbols.get("idt_init", symbols["halt"]))  # later it may scroll
        assert "serial port: none" in trim(machine.screen()).splitlines()
        stub.go_on()
        assert machine.run_to_end().kind in ("halted", "idle")


@pytest.mark.since("02-vga")
def test_without_a_text_screen_the_wire_tells(chapter):
    with Machine(images.hybrid(chapter), uefi=True) as machine:
        assert machine.run_to_end().kind in ("halted", "idle")
        assert images.runs_kernel(machine, chapter)
        lines = machine.serial.splitlines()
        assert "screen: none" in lines
        assert "serial port: COM1, 115200 baud" in lines


# ---- Panics


def panics():
    """What the marker `since` cannot say: each panic, from its chapter on."""
    for path in sorted(PANICS.glob("*/*.c")):
        for chapter in chapters.since(path.parent.name):
            yield pytest.param(chapter, path, id=f"{chapter}-{path.stem}")


def header(path):
    """What the first lines of a source say: Panic: why, Make: variables, and Before:
    what else is told, right before the panic."""
    return dict(re.findall(r"^// (Panic|Make|Before): (.*)$", path.read_text(), re.M))


@pytest.mark.parametrize("chapter, path", panics())
def test_panic(chapter, path):
    """It says the file, the line and why, in white on red, and halts."""
    said = header(path)
    variables = dict(word.split("=") for word in said.get("Make", "").split())
    source = f"panics/{path.parent.name}/{path.name}"
    with Machine(images.other(chapter, source, **variables)) as machine:
        assert machine.run_to_end() == HALTED, machine.report("no panic")
        _, told = machine.serial.split("\n1..1\n", 1)
        before, told = re.fullmatch(r"(?s)(.*?)(\npanic at .*)", told).groups()
        found = re.fullmatch(rf"\npanic at (\S+):(\d+): ({said['Panic']})\n?", told)
        assert found, told
        source = (chapters.directory(chapter) / found[1]).read_text()
        assert re.search(r"\b(panic|assert)\(", source.splitlines()[int(found[2]) - 1])
        wanted = rf"\n{said['Before']}\n" if "Before" in said else ""
        assert re.fullmatch(wanted, before), before

        assert trim(machine.screen()) == trim(rows(before + told))
        colors = b"".join(machine.attributes())[len(rows(before)) * COLUMNS :]
        assert set(colors[: len(told) - 2]) == {WHITE_ON_RED}


def test_rows_are_those_of_a_screen():
    assert rows("ab\n\nc\td\n") == ["ab", "", "c       d", ""]
    assert rows("x" * 81) == ["x" * 80, "x"]

"""test_qemu.py: the driver of QEMU sees how things end, and ends them."""

import os
import pty
import re
import signal
import struct
import subprocess
import sys
import time
import zlib

import pytest

import chapters
import picture
import qemu
from qemu import Ending, Machine, MachineError

DRIVER = chapters.ROOT / "tests/qemu.py"


@pytest.fixture(scope="module")
def image():
    """The image of a kernel of tests/harness/ or, without a name, of 01-boot."""

    def image(name=None):
        path = f"tests/harness/{name}.iso" if name else "kernel.iso"
        return chapters.build("01-boot", "gcc-O2", f"build/gcc-O2/{path}") / path

    return image


def driver(*arguments, flags="", **options):
    """Run the command line of qemu.py."""
    return subprocess.run(
        [sys.executable, DRIVER, *map(str, arguments)],
        env={**os.environ, "QEMUFLAGS": flags},
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


def test_machine_is_that_of_the_book():
    rules = (chapters.ROOT / "common/kernel.mk").read_text()
    assert re.search(r"^MACHINE = (.*)", rules, re.M)[1].split() == qemu.MACHINE


# Endings


@pytest.mark.parametrize(
    "name, kind, status",
    [
        ("passes", "exit", 33),
        ("crashes", "reset", 0),
        ("halts", "halted", None),
        ("idles", "idle", None),
    ],
)
def test_endings(image, name, kind, status):
    with Machine(image(name), *qemu.DEBUG_EXIT) as machine:
        assert machine.run_to_end() == Ending(kind, status)


def test_time_limit(image):
    with Machine(image("hangs"), seconds=2) as machine:
        assert machine.run_to_end() == Ending("time", None)
        assert 2 <= time.monotonic() - machine.start < 4


def test_quiet_is_an_end_if_asked_for(image):
    with Machine(image("hangs")) as machine:
        assert machine.run_to_end(quiet=1) == Ending("time", None)
        assert time.monotonic() - machine.start < 10


def test_screen_that_changes_is_not_quiet(image):
    with Machine(image("types")) as machine:
        machine.expect(">")
        machine.keys("a")
        machine.expect(">1e")
        machine.run_to_end(quiet=1)
        assert machine.serial.endswith(">1e9e")  # pressed, released


def test_expect_tells_all_when_it_fails(image):
    with Machine(image("hangs")) as machine:
        machine.expect("KTAP")
        machine.deadline = time.monotonic() + 1
        with pytest.raises(MachineError) as error:
            machine.expect("nothing of the kind")
    assert "time limit" in str(error.value)
    assert "KTAP version 1" in str(error.value)


def test_expect_notices_the_end(image):
    with Machine(image("crashes")) as machine:
        with pytest.raises(MachineError, match="QEMU ended before"):
            machine.expect("nothing of the kind")


def test_wrong_flags_are_told():
    with Machine("no-such.iso", seconds=5) as machine:
        with pytest.raises(MachineError) as error:
            machine.expect("x")
    assert "no-such.iso" in str(error.value)


def test_exceptions_of_the_kernel(image):
    with Machine(image("crashes")) as machine:
        machine.run_to_end()
        told = machine.exceptions()
    assert [line[:4] for line in told] == ["v=06", "v=0d", "v=08", "Trip"]
    assert re.fullmatch("v=06 e=0000 i=0 cpl=0 pc=10[0-9a-f]{4}", told[0])


@pytest.fixture(scope="module")
def prompt():
    """The image of the kernel of chapter 07, which waits at a prompt."""
    return chapters.build("07-interrupts", "gcc-O2", "all") / "kernel.iso"


def test_prompt(prompt):
    """The prompt is found, answers are told, and that there is none."""
    with Machine(prompt) as machine:
        assert machine.run_to_prompt() == Ending("prompt", None)
        assert machine.ask("") == ""
        assert machine.ask("a b") == "a: no such command; try help\n"
        assert re.fullmatch(r"divide .*\n(?:\w+ .*\n)+", machine.ask("fault"))
        assert machine.run_to_end() == Ending("idle", None)
        assert machine.ask("fault code").endswith("\nhalted\n")
        with pytest.raises(MachineError, match="nobody to ask: halted"):
            machine.ask("help")


def test_prompt_is_behind_a_line(prompt):
    """One that was there before is not that of the answer."""
    with Machine(prompt, seconds=20) as machine:
        machine.run_to_prompt()
        told = len(machine.serial)
        machine.send(qemu.PROMPT)
        machine.expect(rf"({qemu.PROMPT}){{2}}\Z")
        assert machine.run_to_prompt(told) == Ending("idle", None)
        assert machine.ask("x") == "kernel>: no such command; try help\n"


@pytest.mark.parametrize(
    "looks, idle",
    [
        ("i" * 99, True),
        ("iiiiiiiiir" * 9, True),
        ("iiir" * 25, False),
        ("r" * 99, False),
    ],
)
def test_idle_is_what_most_looks_see(looks, idle):
    """A look may meet the handler of an interrupt."""
    states = {"i": "idle", "r": "running"}
    idleness = qemu.Idleness()
    told = [idleness.lasts(states[s], "", i * qemu.POLL) for i, s in enumerate(looks)]
    assert any(told) == idle
    assert not any(told[: qemu.LOOKS])


def test_idle_is_silent():
    idleness = qemu.Idleness()
    assert not any(idleness.lasts("idle", "x" * i, i * qemu.POLL) for i in range(999))


def test_nmi(image):
    with Machine(image()) as machine:
        assert machine.run_to_end().kind == "halted"
        machine.nmi()  # chapter 01 has nobody to take it
        assert machine.run_to_end().kind == "reset"


# Ending QEMU


def test_no_process_is_left(image):
    with Machine(image("hangs")) as machine:
        machine.expect("KTAP")
        directory = machine.directory.name
    assert machine.process.poll() is not None
    assert not os.path.exists(directory)


@pytest.mark.skipif(not qemu.kill_with_parent(), reason="there is no setpriv")
def test_killed_driver_takes_qemu_with_it(image):
    code = (
        "import sys, qemu\n"
        f"with qemu.Machine({str(image('hangs'))!r}) as machine:\n"
        "    machine.expect('KTAP')\n"
        "    print(machine.process.pid, flush=True)\n"
        "    machine.expect('never')\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=DRIVER.parent, stdout=subprocess.PIPE) as run:
        pid = int(run.stdout.readline())
        os.kill(run.pid, signal.SIGKILL)
    for _ in range(100):
        if not os.path.exists(f"/proc/{pid}"):
            return
        if " Z " in open(f"/proc/{pid}/stat").read():
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("QEMU was still running")


# Looking


def test_screen_and_colors(image):
    with Machine(image()) as machine:
        machine.run_to_end()
        screen, colors = machine.screen(), machine.attributes()
    assert [len(line) for line in screen] == [80] * 25
    assert [len(line) for line in colors] == [80] * 25
    assert "64-bit" in "".join(screen)


def pixels(png):
    """Width, height and the raw pixels of a PNG file with one IDAT."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    start = png.index(b"IDAT")
    (size,) = struct.unpack(">I", png[start - 4 : start])
    data = zlib.decompress(png[start + 4 : start + 4 + size])
    rows = [data[y * (3 * width + 1) :][1 : 3 * width + 1] for y in range(height)]
    return width, height, b"".join(rows)


def test_png():
    png = picture.png_from_ppm(b"P6\n2 2\n255\n" + bytes(range(12)))
    assert pixels(png) == (2, 2, bytes(range(12)))
    assert png.endswith(b"IEND\xaeB`\x82")
    with pytest.raises(ValueError):
        picture.png_from_ppm(b"P5\n2 2\n255\n1234")


def test_screenshots_do_not_change(image, tmp_path):
    for name in ("one.png", "two.png"):
        done = driver("screenshot", image(), tmp_path / name)
        assert done.returncode == 0, done.stderr
    one = (tmp_path / "one.png").read_bytes()
    assert one == (tmp_path / "two.png").read_bytes()
    width, height, shown = pixels(one)
    assert (width, height) == (720, 400)
    assert any(shown)


# The command line


def test_command_line_serial(image):
    done = driver("serial", image("fails"))  # halts: no isa-debug-exit
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("KTAP version 1\n1..2\n")


def test_command_line_screen(image):
    done = driver("screen", image())
    assert done.returncode == 0
    assert "64-bit" in done.stdout
    assert not re.search(r" $|\n\n$", done.stdout, re.M)


def typed(prompt, **options):
    """What `serial` shows, if its standard input is another."""
    done = driver("serial", prompt, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_command_line_types_what_its_input_holds(prompt, tmp_path):
    """From a pipe, and from a file; a line each time that the kernel waits."""
    lines = [f"trace {count}" for count in range(20, 50)]
    answers = "".join(
        rf"{qemu.PROMPT}trace {count}\n(  .*\n){{{count}}}" for count in range(20, 50)
    )
    told = typed(prompt, input="\n".join(lines) + "\n")
    assert re.search(rf"\n{answers}{qemu.PROMPT}\Z", told), told
    path = tmp_path / "lines"
    path.write_text("nonsense\nfault null\nmem\nhel")
    with open(path) as file:
        told = typed(prompt, stdin=file)
    assert f"{qemu.PROMPT}nonsense\nnonsense: no such command" in told
    assert told.count(qemu.PROMPT) == 2 and told.endswith("\nhalted\n")
    path.write_text("hel")
    with open(path) as file:
        assert typed(prompt, stdin=file).endswith(f"\n{qemu.PROMPT}hel")


def test_command_line_waits_for_no_input(prompt):
    """Not for a pipe that is empty, or a terminal; and none may be open at all."""
    told = [typed(prompt, stdin=subprocess.DEVNULL)]
    reader, writer = os.pipe()
    master, terminal = pty.openpty()
    os.write(master, b"help\n")
    with open(reader) as pipe, open(terminal) as file:
        told += [typed(prompt, stdin=pipe), typed(prompt, stdin=file)]
    os.close(writer)
    os.close(master)
    told.append(typed(prompt, preexec_fn=lambda: os.close(0)))
    assert len(set(told)) == 1 and told[0].endswith(f"\n{qemu.PROMPT}")


@pytest.mark.parametrize(
    "arguments, flags, status, told",
    [
        (["serial", "crashes"], "", 3, "The machine reset itself: a triple fault."),
        (["serial", "hangs", "--seconds=2"], "", 124, "the kernel still runs"),
        (["serial", "passes"], " ".join(qemu.DEBUG_EXIT), 33, ""),
        (["serial", "passes"], "-nonsense", 1, "-nonsense: invalid option"),
    ],
)
def test_command_line_status(image, arguments, flags, status, told):
    what, name, *more = arguments
    done = driver(what, image(name), *more, flags=flags)
    assert done.returncode == status
    assert told in done.stderr

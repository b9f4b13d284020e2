"""test_debug.py: `make debug` stops where it says, and leaves nothing behind."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest

import chapters
import qemu

DIRECTORY = chapters.directory("01-boot")
COMMAND = ["make", "--no-print-directory", "-s", "debug", "BUILD=build/gcc-O2"]


@pytest.fixture(scope="module", autouse=True)
def kernel():
    chapters.make("01-boot", BUILD="build/gcc-O2")


def environment():
    hidden = ("DISPLAY", "WAYLAND_DISPLAY")
    clean = chapters.clean_environment()
    kept = {key: value for key, value in clean.items() if key not in hidden}
    return {**kept, "TERM": "dumb"}


def alive(pid):
    """Does the process run? (One that has ended but was not asked does not.)"""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def descendants(pid):
    """{name: pid} of the processes below PID."""
    found = {}
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children = [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return found
    for child in children:
        with open(f"/proc/{child}/comm") as file:
            found[file.read().strip()] = child
        found.update(descendants(child))
    return found


class Terminal:
    """`make debug` in a terminal of its own."""

    def __init__(self):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(DIRECTORY)
            os.execvpe(COMMAND[0], COMMAND, environment())
        self.text = ""
        self.expect(r"\(gdb\) $")
        self.below = descendants(self.pid)

    def expect(self, pattern, seconds=20):
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            left = deadline - time.monotonic()
            if left < 0 or not select.select([self.master], [], [], left)[0]:
                raise AssertionError(f"no /{pattern}/ in:\n{self.text}")
            try:
                self.text += os.read(self.master, 4096).decode(errors="replace")
            except OSError:  # nobody has the terminal open any more
                break
        assert re.search(pattern, self.text), self.text

    def type(self, text):
        self.text = ""
        os.write(self.master, text.encode())

    def assert_all_gone(self):
        qemu = self.below["qemu-system-x86"]
        deadline = time.monotonic() + 10
        while any(map(alive, self.below.values())) and time.monotonic() < deadline:
            time.sleep(0.05)
        left = {name: pid for name, pid in self.below.items() if alive(pid)}
        assert not left
        assert not alive(qemu)

    def close(self):
        for pid in (*self.below.values(), self.pid):
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        os.close(self.master)
        os.waitpid(self.pid, 0)


@pytest.fixture
def terminal():
    opened = Terminal()
    yield opened
    opened.close()


def debug(commands):
    """What `make debug` says when it reads its commands from a pipe."""
    done = subprocess.run(
        COMMAND,
        cwd=DIRECTORY,
        env=environment(),
        input=commands,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=30,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_stops_at_the_first_instruction():
    told = debug("info registers eax\nprint $pc == &start\ncode 2\n")
    assert re.search(r"start \(\) at boot.asm:\d+\n\d+\s+\S", told), told
    assert "0x36d76289" in told  # GRUB's magic: nobody else stopped here
    assert "$1 = 1\n" in told
    assert "=> 0x100020 <start>:\tcld\n" in told


def test_code_is_decoded_for_the_mode():
    told = debug("break check_cpuid\nc\ncode 2\ntbreak start_64\nc\ncode 1\n")
    assert "<check_cpuid>:\tpushf\n" in told
    assert "<check_cpuid+1>:\tpop    eax\n" in told
    assert "<start_64>:\tmov    eax,0x10\n" in told


def test_backtrace_ends_at_the_bottom():
    told = debug("tbreak kernel_main\nc\nbt\nfinish\nscreen\n")
    assert "#0  kernel_main () at main.c" in told
    assert re.search(r"#1 .* in start_64 \(\)", told)
    assert "#3" not in told
    assert "halt () at boot.asm" in told
    assert "64-bit mode" in told  # the screen


def test_quit_ends_everything(terminal):
    assert "qemu-system-x86" in terminal.below
    terminal.type("quit\n")
    terminal.assert_all_gone()


def test_control_c_is_for_gdb(terminal):
    terminal.type("continue\n")
    terminal.expect("Continuing")
    time.sleep(0.5)
    terminal.type("\x03")
    terminal.expect(r"received signal SIGINT[^$]*\(gdb\) $")
    time.sleep(1)  # had somebody else got it too, they would be gone by now
    assert all(map(alive, terminal.below.values()))
    terminal.type("quit\n")
    terminal.assert_all_gone()


def test_closed_terminal_ends_everything(terminal):
    os.killpg(terminal.pid, signal.SIGHUP)
    terminal.assert_all_gone()


@pytest.mark.parametrize("victim", ["gdb", "python3"])
def test_kill_ends_everything(terminal, victim):
    os.kill(terminal.below[victim], signal.SIGKILL)
    terminal.assert_all_gone()


def test_quit_ends_qemu_without_setpriv_too(tmp_path):
    for name in ("gdb", "qemu-system-x86_64"):
        (tmp_path / name).symlink_to(shutil.which(name))
    elf = DIRECTORY / "build/gcc-O2/kernel.elf"
    command = [sys.executable, chapters.ROOT / "common/debug", elf]
    command += ["qemu-system-x86_64", *qemu.MACHINE]
    command += ["-cdrom", elf.with_suffix(".iso")]
    with subprocess.Popen(
        command,
        env={**environment(), "PATH": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as run:
        while b"start ()" not in run.stdout.readline():
            pass
        below = descendants(run.pid)
        run.communicate(b"quit\n", timeout=20)
    assert not alive(below["qemu-system-x86"])


def test_two_at_a_time(terminal):
    other = Terminal()
    try:
        assert other.below["qemu-system-x86"] != terminal.below["qemu-system-x86"]
        other.type("quit\n")
        other.assert_all_gone()
        terminal.type("stepi\n")
        terminal.expect(r"boot.asm|\d+\s+mov")
    finally:
        other.close()


def test_wrong_flags_are_told():
    done = subprocess.run(
        [*COMMAND, "QEMUFLAGS=-nonsense"],
        cwd=DIRECTORY,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        text=True,
    )
    assert done.returncode != 0
    assert "QEMU ended at once" in done.stderr and "-nonsense" in done.stderr

"""bochs.py: boot a kernel in Bochs, an emulator that shares no code with QEMU.

    with Bochs("kernel.iso") as machine:
        machine.expect("hello")         # on the serial port
        machine.ask("uptime")           # at a kernel's prompt: what it answers

    with Bochs("kernel.iso", stop=address) as machine:
        machine.screen()[0]             # the screen once the CPU gets there

Debian's Bochs has no display that needs no terminal, and contains the debugger, which
wants to be told to go on; so it gets a terminal, and a file of commands. COM1 is
another terminal. Standard library only.
"""

import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import time
import tty
from pathlib import Path

import qemu

ROMS = {  # what is in ROM, and where Debian and others keep it
    "romimage": (
        "/usr/share/bochs/BIOS-bochs-latest",
        "/opt/homebrew/share/bochs/BIOS-bochs-latest",
    ),
    "vgaromimage": (
        "/usr/share/vgabios/vgabios.bin",
        "/usr/share/bochs/VGABIOS-lgpl-latest",
        "/opt/homebrew/share/bochs/VGABIOS-lgpl-latest",
    ),
}
SETTINGS = """\
megs: 128
cpu: model=corei7_sandy_bridge_2600k, ips=50000000, reset_on_triple_fault=0
ata0-master: type=cdrom, path="{image}", status=inserted
boot: cdrom
com1: enabled=1, mode=term, dev={serial}
display_library: term
log: {directory}/log
debugger_log: {directory}/debugger
"""
CELL = re.compile(r"\t0x(....)")


def roms():
    """The lines of the settings that name what is in ROM."""
    for name, paths in ROMS.items():
        there = [path for path in paths if os.path.exists(path)]
        if not there:
            raise qemu.MachineError(f"no {paths[0]}: ./setup --test installs it")
        yield f"{name}: file={there[0]}\n"


class Bochs:
    """One run of Bochs, for at most SECONDS. Use it in a with statement."""

    def __init__(self, image, stop=None, seconds=60):
        """STOP: the address at which the run ends and the screen is kept."""
        self.start = time.monotonic()
        self.deadline = self.start + seconds
        self.serial = ""
        self.directory = tempfile.TemporaryDirectory(prefix="trapframe-")
        self.port, port = pty.openpty()
        tty.setraw(port)
        self.display, display = pty.openpty()
        self._write("settings", self._settings(image, os.ttyname(port)))
        self._write("commands", self._commands(stop))
        self._launch(display)
        self.ports = [port, display]

    def _path(self, name):
        return Path(self.directory.name, name)

    def _write(self, name, text):
        self._path(name).write_text(text)

    def _settings(self, image, serial):
        names = {"image": image, "serial": serial, "directory": self.directory.name}
        return "".join(roms()) + SETTINGS.format(**names)

    def _commands(self, stop):
        if stop is None:
            return "c\n"
        count = qemu.SCREEN_SIZE // 2
        return f"lb {stop:#x}\nc\nxp /{count}hx {qemu.SCREEN:#x}\nq\n"

    def _launch(self, display):
        command = [*qemu.kill_with_parent(), "bochs", "-q"]
        command += ["-f", self._path("settings"), "-rc", self._path("commands")]
        self.process = subprocess.Popen(
            command,
            stdin=display,
            stdout=display,
            stderr=display,
            env={**os.environ, "TERM": "xterm"},
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        for descriptor in (self.port, self.display, *self.ports):
            os.close(descriptor)
        self.directory.cleanup()

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _listen(self):
        """Take in what is sent through COM1, and what Bochs draws, which nobody
        looks at: but it would wait until somebody did."""
        ready = select.select([self.port, self.display], [], [], qemu.POLL)[0]
        for port in ready:
            data = os.read(port, 65536)
            if port == self.port:
                self.serial += data.decode("latin-1").replace("\r", "")

    def _wait_for(self, condition, what):
        while not (found := condition()):
            if time.monotonic() > self.deadline:
                raise qemu.MachineError(self.report(f"no {what}: the time is over"))
            self._listen()
        return found

    def expect(self, pattern):
        """Wait for PATTERN, a regular expression, on the serial port."""
        return self._wait_for(
            lambda: re.search(pattern, self.serial, re.M), f"/{pattern}/"
        )

    def send(self, text):
        """Send TEXT to the serial port."""
        os.write(self.port, text.encode("latin-1"))

    def ask(self, line):
        """Type LINE at the kernel's prompt; what it answers, up to the next prompt or
        to a report after which the kernel halts."""
        self.expect(rf"^{qemu.PROMPT}\Z")
        told = len(self.serial)
        self.send(f"{line}\n")
        end = self.expect(rf"\A(?s:.{{{told}}}).*\n(?s:(.*))^({qemu.PROMPT}|halted\n)\Z")
        return end[1]

    def screen(self):
        """The text screen when the CPU has come to STOP: 25 strings."""
        self._wait_for(lambda: self.process.poll() is not None, "stop")
        cells = CELL.findall(qemu.read(self._path("debugger")))
        text = "".join(qemu.CODE_PAGE[int(cell, 16) & 0xFF] for cell in cells)
        width = qemu.COLUMNS
        return [text[i : i + width] for i in range(0, len(text), width)]

    def report(self, what):
        """WHAT went wrong, with what is known about the run."""
        self.end()
        log = [line for line in qemu.read(self._path("log")).splitlines() if line]
        parts = [what, "--- serial port:", self.serial.rstrip() or "(nothing)"]
        return "\n".join([*parts, "--- end of Bochs's log:", *log[-20:]])

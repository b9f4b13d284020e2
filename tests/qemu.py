"""qemu.py: boot a kernel in QEMU, watch what it does, and always end it.

    with Machine("kernel.iso") as machine:
        machine.expect("hello")         # on the serial port
        machine.run_to_end()            # Ending("halted", None)
        machine.screen()[0]             # the first of the 25 lines
        machine.ask("uptime")           # at a kernel's prompt: what it answers

On the command line (QEMUFLAGS are added, as in a chapter's Makefile):

    qemu.py serial KERNEL.iso           what the kernel sends through COM1
    qemu.py screen KERNEL.iso           what the text screen shows at the end
    qemu.py screenshot KERNEL.iso PNG   the same as a picture

If the standard input of `serial` is a pipe or a file, what that holds is sent to the
kernel, each line once the kernel waits for it:

    (echo mem; echo uptime) | make -s serial

The exit status is 0 if the kernel halted or waits for interrupts, 3 if the machine
reset itself, 124 if it went on for too long, and else what QEMU said.  Standard
library only.
"""

import argparse
import collections
import json
import os
import re
import select
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import gdb_stub
import picture

# The machine of the book: MACHINE in common/kernel.mk says the same.
MACHINE = "-accel tcg -M q35 -m 128M -nic none -no-reboot".split()
DEBUG_EXIT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
PASS, FAIL = 33, 35  # 0x10 and 0x11, written to port 0xf4

SCREEN, ROWS, COLUMNS = 0xB8000, 25, 80
SCREEN_SIZE = 2 * ROWS * COLUMNS
LOW_GLYPHS = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"  # codes 0 to 31 on a PC
CODE_PAGE = LOW_GLYPHS + bytes(range(32, 256)).decode("cp437")

POLL = 0.02  # seconds between two looks at the machine
IDLE = 1.0  # seconds of halting, with interrupts on, that count as the end
LOOKS = int(IDLE / POLL)
WAITING = 0.9  # of the looks; at the others it may be handling an interrupt
PROMPT = "kernel> "

FIRMWARE = (  # UEFI: the code, and the template of its variables
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
    ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
)

# How a run came to its end. kind is one of
#   exit     QEMU ended; status says with what, such as PASS
#   reset    the machine reset itself, in most cases by a triple fault
#   halted   the CPU halted with interrupts off: nothing will ever wake it
#   idle     the CPU waits for interrupts, and nothing has been said for a while
#   prompt   the kernel waits for a line; only if that is what was waited for
#   time     the time limit
Ending = collections.namedtuple("Ending", "kind status")


class MachineError(Exception):
    """The machine did not do what it was asked; the text tells all there is."""


class Stillness:
    """Measures for how long something has not changed."""

    def __init__(self):
        self.state = None

    def lasts(self, state, now):
        """Seconds since STATE was first seen, if it was all that was seen."""
        if state != self.state:
            self.state = state
            self.since = now
        return now - self.since


class Idleness:
    """Finds out whether the CPU waits for interrupts, and nothing is said."""

    def __init__(self, seconds=IDLE):
        self.seconds = seconds
        self.silence = Stillness()
        self.looks = collections.deque(maxlen=LOOKS)

    def lasts(self, state, said, now):
        """Has it lasted? STATE is that of the CPU, SAID all there is to hear."""
        silence = self.silence.lasts(said, now)
        if silence == 0:
            self.looks.clear()
        self.looks.append(state)
        waiting = self.looks.count("idle") / len(self.looks)
        return silence > self.seconds and waiting >= WAITING


class Machine:
    """One run of QEMU, for at most SECONDS. Use it in a with statement."""

    def __init__(
        self, iso, *flags, seconds=30, uefi=False, disk=False, serial=True,
        gdb=False, listener=None, machine=MACHINE,
    ):  # fmt: skip
        """FLAGS go to QEMU; if there is no image they say what to boot. With disk the
        image is a hard disk, not a CD; without serial there is no COM1. With gdb the
        machine waits for gdb().go_on(). LISTENER is called with each piece of text
        from the serial port. MACHINE are the flags that all machines of the book
        have."""
        self.start = time.monotonic()
        self.deadline = self.start + seconds
        self.listener = listener
        self.serial = ""
        self.events = []
        self.directory = tempfile.TemporaryDirectory(prefix="trapframe-")
        self.qmp_socket, qmp = socket.socketpair()
        self.gdb_socket, stub = socket.socketpair()
        command = self._command([*machine, *flags], uefi)
        drive = ["-drive", f"format=raw,snapshot=on,file={iso}"]
        if iso:
            command += drive if disk else ["-cdrom", str(iso)]
        command += ["-serial", "stdio" if serial else "none"]
        command += ["-chardev", f"socket,id=qmp,fd={qmp.fileno()}"]
        command += ["-mon", "chardev=qmp,mode=control"]
        if gdb:
            command += ["-chardev", f"socket,id=gdb,fd={stub.fileno()}"]
            command += ["-S", "-gdb", "chardev:gdb"]
        self._launch(command, [qmp.fileno(), stub.fileno()])
        qmp.close()
        stub.close()

    def _path(self, name):
        return os.path.join(self.directory.name, name)

    def _command(self, flags, uefi):
        command = [*kill_with_parent(), os.environ.get("QEMU", "qemu-system-x86_64")]
        command += ["-display", "none", "-monitor", "none"]
        command += ["-d", "int,cpu_reset", "-D", self._path("log")]
        if uefi:
            command += self._firmware()
        return command + [str(flag) for flag in flags]

    def _firmware(self):
        for code, variables in FIRMWARE:
            if os.path.exists(code):
                shutil.copy(variables, self._path("variables"))
                drive = "if=pflash,format=raw"
                return [
                    "-drive", f"{drive},readonly=on,file={code}",
                    "-drive", f"{drive},file={self._path('variables')}",
                ]  # fmt: skip
        raise MachineError("no UEFI firmware (OVMF): ./setup --test installs it")

    def _launch(self, command, descriptors):
        with open(self._path("stderr"), "w") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=descriptors,
                start_new_session=True,  # Ctrl-C is not for QEMU
            )
        self.qmp_file = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        self.process.stdin.close()
        self.process.stdout.close()
        self.qmp_socket.close()
        self.gdb_socket.close()
        self.directory.cleanup()

    def end(self):
        """End QEMU, politely first, so that its log is complete."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    # Watching

    def _listen(self, seconds):
        """Take in what the serial port says; False once QEMU has ended."""
        output = self.process.stdout
        if not select.select([output], [], [], max(0, seconds))[0]:
            return True
        data = os.read(output.fileno(), 65536)
        text = data.decode("latin-1").replace("\r", "")
        self.serial += text
        if self.listener and text:
            self.listener(text)
        return bool(data)

    def _time_left(self):
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise MachineError(self.report("the time limit is over"))
        return left

    def expect(self, pattern):
        """Wait for PATTERN, a regular expression, on the serial port."""
        while True:
            found = re.search(pattern, self.serial, re.M)
            if found:
                return found
            if not self._listen(min(POLL, self._time_left())):
                raise MachineError(self.report(f"QEMU ended before /{pattern}/"))

    def expect_screen(self, pattern):
        """Wait for PATTERN on the text screen."""
        while True:
            found = re.search(pattern, "\n".join(self.screen()), re.M)
            if found:
                return found
            if not self._listen(min(POLL, self._time_left())):
                raise MachineError(self.report(f"QEMU ended before /{pattern}/"))

    def run_to_end(self, quiet=None, until=None, idle=IDLE):
        """Wait until the machine does nothing any more; an Ending. With QUIET
        that is also when it has worked for so many seconds, or has been waiting
        three times as long, and nothing new is to be seen. UNTIL is a function
        that says whether the prompt is there for which somebody waits, IDLE for
        how many seconds a CPU has to wait in silence to be called idle."""
        idle, busy, calm = Idleness(idle), Stillness(), Stillness()
        while time.monotonic() < self.deadline:
            if until and until():
                return Ending("prompt", None)
            if not self._listen(POLL):
                return self._ended()
            try:
                state = self._cpu_state()
                seen = self.serial, quiet and self.memory(SCREEN, SCREEN_SIZE)
            except EOFError:
                continue
            if state == "halted":
                return self._rest("halted")
            now = time.monotonic()
            if idle.lasts(state, self.serial, now):
                return self._rest("idle")
            worked = busy.lasts(seen, self._processor_time())
            waited = calm.lasts(seen, now)
            patience = quiet and (quiet if self.serial else 4 * quiet)
            if quiet and (worked > patience or waited > 3 * patience):
                break
        return Ending("time", None)

    def run_to_prompt(self, told=0):
        """Wait until the kernel asks for a line, after one that begins behind the
        first TOLD characters; an Ending, if it does not."""

        def prompt():
            _, newline, text = self.serial[told:].partition("\n")
            return f"{newline}{text}".endswith(f"\n{PROMPT}")

        return self.run_to_end(until=prompt)

    def ask(self, line):
        """Type LINE at the kernel's prompt. Returns the answer, up to the next
        prompt, or if there is none to where the machine came to rest."""
        ending = self.run_to_prompt()
        if ending.kind not in ("prompt", "idle"):
            raise MachineError(self.report(f"nobody to ask: {ending.kind}"))
        told = len(self.serial)
        self.send(f"{line}\n")
        ending = self.run_to_prompt(told)
        if ending.kind not in ("prompt", "idle", "halted"):
            raise MachineError(self.report(f"no answer to {line}: {ending.kind}"))
        return self.serial[told:].partition("\n")[2].removesuffix(PROMPT)

    def _processor_time(self):
        """Seconds that QEMU has worked; where nobody tells, that have passed."""
        times = read(f"/proc/{self.process.pid}/stat").rpartition(")")[2].split()
        if not times:
            return time.monotonic()
        return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")

    def _cpu_state(self):
        registers = self.hmp("info registers")
        if "HLT=1" not in registers:
            return "running"
        flags = int(re.search(r"FL=([0-9a-f]+)", registers)[1], 16)
        return "idle" if flags & 1 << 9 else "halted"

    def _rest(self, kind):
        """Hear out the serial port: what was sent may still be on its way."""
        size = -1
        while size != len(self.serial):
            size = len(self.serial)
            if not self._listen(POLL):
                return self._ended()
        return Ending(kind, None)

    def _ended(self):
        """QEMU has closed the serial port: collect status and last events."""
        status = self.process.wait(5)
        try:
            while True:
                self._answer()
        except (EOFError, OSError):
            pass
        for event in self.events:
            if event.get("data", {}).get("reason") == "guest-reset":
                return Ending("reset", status)
        return Ending("exit", status)

    def report(self, what):
        """WHAT went wrong, with everything known about the run."""
        self.end()
        seconds = time.monotonic() - self.start
        parts = [f"{what} (after {seconds:.1f} s)"]
        parts += ["--- serial port:", self.serial.rstrip() or "(nothing)"]
        parts += ["--- end of QEMU's log (-d int,cpu_reset):", self.log_tail()]
        errors = read(self._path("stderr")).strip()
        if errors:
            parts += ["--- QEMU said:", errors]
        return "\n".join(parts)

    def log(self):
        """QEMU's log of interrupts and resets. Complete after the end only."""
        return read(self._path("log"))

    def exceptions(self):
        """Exceptions and triple faults: short forms of the log's lines, such
        as "v=0d e=0018 i=0 cpl=0 pc=100073". Vectors from 32 on are none."""
        entry = re.compile(r" *\d+: (v=[01].*) IP=\S+ pc=0*(\w+) .*?( CR2=\w+)?$")
        found = []
        for line in self.log().splitlines():
            parts = entry.match(line)
            if parts:
                found.append(f"{parts[1]} pc={parts[2]}{parts[3] or ''}")
            elif line == "Triple fault":
                found.append(line)
        return found

    def log_tail(self, lines=40):
        """The last entries of the log, without registers that say little."""
        dull = re.compile(r"(FCW|FPR|XMM|YMM|CCS|DR|[CDEFGS]S |LDT|TR |EFER)")
        kept = [line for line in self.log().splitlines() if not dull.match(line)]
        return "\n".join(kept[-lines:]) or "(nothing)"

    # The QEMU machine protocol and its human monitor

    def qmp(self, command, **arguments):
        """Run a QMP command; what it returns. EOFError once QEMU has ended."""
        try:
            if not self.qmp_file:
                self.qmp_file = self.qmp_socket.makefile("r")
                self.qmp_socket.settimeout(self._time_left())
                json.loads(self.qmp_file.readline() or "null")
                self.qmp("qmp_capabilities")
            request = {"execute": command, "arguments": arguments}
            self.qmp_socket.sendall(json.dumps(request).encode())
            return self._answer()
        except (BrokenPipeError, ConnectionResetError):
            raise EOFError("QEMU has ended") from None

    def _answer(self):
        while True:
            line = self.qmp_file.readline() if self.qmp_file else ""
            if not line:
                raise EOFError("QEMU has ended")
            message = json.loads(line)
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise MachineError(message["error"]["desc"])
            self.events.append(message)

    def hmp(self, line):
        """Run a line in QEMU's monitor, such as "info registers"."""
        text = self.qmp("human-monitor-command", **{"command-line": line})
        return text.replace("\r", "")

    def gdb(self):
        """The connection to QEMU's GDB stub (needs gdb=True)."""
        return gdb_stub.Stub(self.gdb_socket, self.deadline)

    # Looking and touching

    def memory(self, address, size):
        """SIZE bytes of physical memory."""
        path = self._path("memory")
        self.qmp("pmemsave", val=address, size=size, filename=path)
        with open(path, "rb") as file:
            return file.read()

    def screen(self):
        """The text screen: 25 strings of 80 characters."""
        characters = self.memory(SCREEN, SCREEN_SIZE)[::2]
        text = "".join(CODE_PAGE[c] for c in characters)
        return [text[i : i + COLUMNS] for i in range(0, len(text), COLUMNS)]

    def attributes(self):
        """The colors of the text screen: 25 times 80 bytes."""
        colors = self.memory(SCREEN, SCREEN_SIZE)[1::2]
        return [colors[i : i + COLUMNS] for i in range(0, len(colors), COLUMNS)]

    def screenshot(self, path):
        """Write the display, as a PNG file, to PATH."""
        raw = self._path("screen.ppm")
        self.qmp("screendump", filename=raw)
        with open(raw, "rb") as source, open(path, "wb") as png:
            png.write(picture.png_from_ppm(source.read()))

    def keys(self, *names):
        """Press keys by QEMU's names: keys("a", "shift-b", "ret")."""
        for name in names:
            codes = [{"type": "qcode", "data": key} for key in name.split("-")]
            self.qmp("send-key", keys=codes)

    def send(self, text):
        """Send TEXT to the serial port."""
        self.process.stdin.write(text.encode("latin-1"))
        self.process.stdin.flush()

    def nmi(self):
        """Send a non-maskable interrupt to the CPU."""
        self.qmp("inject-nmi")


def read(path):
    """The text of a file, or nothing if there is no such file."""
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def kill_with_parent():
    """A command prefix: the kernel ends the child if this process is killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def trim(lines):
    """LINES without the blanks at their ends and the empty ones at the end."""
    return "\n".join(line.rstrip() for line in lines).rstrip("\n")


# The command line


def options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("serial", "screen", "screenshot"))
    parser.add_argument("iso")
    parser.add_argument("png", nargs="?")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--uefi", action="store_true")
    chosen = parser.parse_args(arguments)
    if (chosen.what == "screenshot") != (chosen.png is not None):
        parser.error("screenshot, and nothing else, needs the name of a PNG")
    return chosen


def show(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def lines_in(stream):
    """What a pipe or a file holds, line by line, as far as it is there already."""
    text = ""
    while stream and not stream.isatty() and select.select([stream], [], [], 0)[0]:
        try:
            data = os.read(stream.fileno(), 65536)
        except OSError:  # it can only be written to, as below nohup
            break
        if not data:
            break
        text += data.decode("latin-1")
        *lines, text = text.split("\n")
        yield from (f"{line}\n" for line in lines)
    if text:
        yield text


def converse(machine, lines):
    """Send LINES to the kernel, each once it waits for it."""
    told = 0
    while machine.run_to_prompt(told).kind in ("prompt", "idle"):
        line = next(lines, None)
        if line is None:
            break
        told = len(machine.serial)
        machine.send(line)


def result(machine, ending):
    """The exit status for ENDING; anything but a halt is also told."""
    if ending.kind in ("halted", "idle"):
        return 0
    if ending.kind == "reset":
        fault = "Triple fault" in machine.log()
        why = "a triple fault" if fault else "the kernel asked for it"
        print(f"The machine reset itself: {why}.", file=sys.stderr)
        return 3
    if ending.kind == "time":
        print("The time is over; the kernel still runs.", file=sys.stderr)
        return 124
    sys.stderr.write(read(machine._path("stderr")))
    return ending.status


def main(arguments):
    chosen = options(arguments)
    flags = shlex.split(os.environ.get("QEMUFLAGS", ""))
    listener = show if chosen.what == "serial" else None
    with Machine(
        chosen.iso,
        *flags,
        seconds=chosen.seconds,
        uefi=chosen.uefi,
        listener=listener,
    ) as machine:
        if chosen.what == "serial":
            converse(machine, lines_in(sys.stdin))
        ending = machine.run_to_end()
        alive = ending.kind in ("halted", "idle", "time")
        if alive and chosen.what == "screen":
            machine.deadline += 5
            print(trim(machine.screen()))
        if alive and chosen.what == "screenshot":
            machine.deadline += 5
            machine.screenshot(chosen.png)
        return result(machine, ending)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

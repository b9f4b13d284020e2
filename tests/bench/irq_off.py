"""irq_off.py: for how many instructions a kernel keeps interrupts disabled.

    irq_off.py KERNEL.elf       the longest stretches, and where they are

QEMU executes the kernel instruction by instruction and logs the address of each,
and of each exception the flags before it. A Follower keeps account of the interrupt
flag by what those instructions do to it, and at each exception compares. A turn of
an instruction that is repeated, such as rep stosq, counts as one.
"""

import bisect
import collections
import os
import re
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import elf  # noqa: E402
import qemu  # noqa: E402

SECONDS = 120
IF = 1 << 9  # of rflags
WATCHED = ("cli", "sti", "popf", "popfq", "iretq")
NMI, FIRST_IRQ = 2, 32  # vectors
STUB = -1  # the address of the next instruction

# A stretch begins behind the instruction at start, or if that is the first of a stub
# with it, and ends with the instruction after which an interrupt may come. path are
# the addresses of all its instructions.
Stretch = collections.namedtuple("Stretch", "start end path")
Frame = collections.namedtuple("Frame", "rip enabled")


class LostError(Exception):
    """The flag is not what it should be."""


def watched(kernel):
    """{address: name} of the instructions that change the interrupt flag."""
    listing = elf.tool("objdump", "-d", "--no-show-raw-insn", "-M", "intel", kernel)
    found = re.findall(r"^\s*([0-9a-f]+):\s+(\S+)", listing, re.M)
    return {int(address, 16): name for address, name in found if name in WATCHED}


class Follower:
    """Follows the CPU from where interrupts are disabled. WATCHED: see above."""

    def __init__(self, watched):
        self.watched = watched
        self.enabled = False
        self.shadow = False  # after sti, for one more instruction
        self.returns = False  # iretq has been executed
        self.frames = []  # of the exceptions that have not returned
        self.last = None  # the address of the last instruction
        self.start = None  # of the stretch; None before the first sti
        self.path = []
        self.count = 0  # all instructions
        self.stretches = {}  # (start, end): the longest of them

    def execute(self, address):
        """The instruction at ADDRESS comes next, and is executed."""
        self.count += 1
        if self.returns:
            self.resume(address)
        if self.start == STUB:
            self.start = address
        self.last = address
        name = self.watched.get(address)
        if self.enabled and name is None:
            return
        if not self.enabled:
            self.path.append(address)
        shadow, self.shadow = self.shadow, False
        if name == "cli":
            self.disable(address)
        elif name == "sti":
            self.shadow = not self.enabled
        elif name == "iretq":
            self.returns = True
        elif name:
            raise LostError(f"{name} at {address:#x}: the flag may be either")
        if shadow and name != "cli":
            self.enable()

    def disable(self, address):
        if self.enabled:
            self.enabled, self.start, self.path = False, address, []

    def enable(self):
        """An interrupt may come now. What comes before the first time is no stretch."""
        self.enabled = True
        if self.start is not None:
            key = self.start, self.last
            if key not in self.stretches or len(self.stretches[key]) < len(self.path):
                self.stretches[key] = self.path
        self.start = None

    def resume(self, address):
        """iretq has returned to ADDRESS. If it was to another thread's frame, that is
        not the last one."""
        known = [frame for frame in self.frames if frame.rip == address]
        if len({frame.enabled for frame in known}) != 1:
            raise LostError(f"iretq to {address:#x}: {len(known)} frames are like that")
        self.frames.reverse()
        self.frames.remove(known[0])
        self.frames.reverse()
        self.returns = False
        if known[0].enabled:
            self.enable()

    def enter(self, vector, rip, flags):
        """An exception or interrupt, before the instruction at RIP."""
        if self.returns:
            self.resume(rip)
        if bool(flags & IF) != (self.enabled or self.shadow):
            raise LostError(f"vector {vector} at {rip:#x}: flags {flags:#x}")
        self.frames.append(Frame(rip, bool(flags & IF)))
        self.shadow = False
        if self.enabled:
            self.enabled, self.start, self.path = False, STUB, []

    def longest(self):
        """The longest stretches, one for each start and end."""
        found = [Stretch(*key, path) for key, path in self.stretches.items()]
        return sorted(found, key=lambda stretch: -len(stretch.path))


ENTRY = re.compile(rb" *\d+: v=(\w\w) e=\w+ i=(\d) .*? IP=\w+:(\w+)")
FLAGS = re.compile(rb"RIP=\w+ RFL=(\w+)")
# QEMU has looked after its timers instead, or will execute it in another way.
NOT_YET = (b"Stopped execution", b"cpu_io_recompile")
INT3 = 3  # the vector


class Entry:
    """An exception or interrupt, as QEMU logs it before it pushes the frame."""

    def __init__(self, found):
        self.vector, self.at = int(found[1], 16), int(found[3], 16)
        self.by_int = found[2] == b"1"  # int3 or int n, at this address

    def raised_by(self, address):
        """Is it a fault of the instruction at ADDRESS, which has not been executed?"""
        return (
            self.at == address
            and not self.by_int
            and self.vector < FIRST_IRQ
            and self.vector != NMI
        )

    def rip(self):
        """Where the program is to go on."""
        return self.at + (1 if self.vector == INT3 else 2) * self.by_int


def read(log, follower):
    """Let FOLLOWER follow the LOG, a file of bytes. What is logged is executed if
    nothing to the contrary comes next."""
    address = entry = None
    for line in log:
        if line.startswith(b"Trace "):
            if address is not None:
                follower.execute(address)
            address = int(line.split(b"/", 2)[1], 16)
        elif line.startswith(NOT_YET):
            address = None
        elif found := ENTRY.match(line):
            entry = Entry(found)
        elif entry and (flags := FLAGS.match(line)):
            if address is not None and not entry.raised_by(address):
                follower.execute(address)
            follower.enter(entry.vector, entry.rip(), int(flags[1], 16))
            address = entry = None


def follow(kernel, flags=()):
    """Run a KERNEL from its kernel_main until it leaves QEMU; the Follower."""
    follower = Follower(watched(kernel))
    start = elf.symbols(kernel)["kernel_main"]
    options = [*qemu.DEBUG_EXIT, *flags]
    with tempfile.TemporaryDirectory(prefix="trapframe-") as directory:
        pipe = os.path.join(directory, "log")
        os.mkfifo(pipe)
        image = Path(kernel).with_suffix(".iso")
        with qemu.Machine(image, *options, gdb=True, seconds=SECONDS) as machine:
            machine.gdb().run_to(start)
            reader = Reader(pipe, follower)
            machine.hmp(f"logfile {pipe}")
            machine.hmp("singlestep on")
            machine.hmp("log exec,nochain,int")
            machine.qmp("cont")
            ending = machine.run_to_end()
        reader.finish()
    if ending != qemu.Ending("exit", qemu.PASS):
        raise LostError(f"the kernel did not come to its end: {ending}")
    return follower


class Reader(threading.Thread):
    """Reads what QEMU logs, beside all else."""

    def __init__(self, pipe, follower):
        super().__init__(daemon=True)
        self.pipe, self.follower, self.error = pipe, follower, None
        self.start()

    def run(self):
        with open(self.pipe, "rb") as log:
            try:
                read(log, self.follower)
            except LostError as error:
                self.error = error
                for _ in log:  # QEMU must not wait
                    pass

    def finish(self):
        self.join()
        if self.error:
            raise self.error


class Names:
    """The functions of a kernel, by address."""

    def __init__(self, kernel):
        text = elf.tool("nm", "-n", kernel)
        rows = re.findall(r"^(\w+) [tT] ([^.\s]\S*)$", text, re.M)
        self.addresses = [int(address, 16) for address, _ in rows]
        self.names = [name for _, name in rows]

    def at(self, address):
        return self.names[bisect.bisect_right(self.addresses, address) - 1]

    def parts(self, path):
        """Which functions a path leads through, the longest part first."""
        return collections.Counter(map(self.at, path)).most_common()


def report(follower, names, count=12):
    """Lines that tell the longest stretches."""
    for stretch in follower.longest()[:count]:
        start, end = names.at(stretch.start), names.at(stretch.end)
        parts = [f"{name} {times}" for name, times in names.parts(stretch.path)[:4]]
        yield f"{len(stretch.path):6} {start} to {end}: {', '.join(parts)}"


if __name__ == "__main__":
    ICOUNT = "-icount shift=0,sleep=off -rtc base=2020-01-01,clock=vm -seed 1".split()
    followed = follow(sys.argv[1], ICOUNT)
    print(f"{followed.count} instructions")
    print("\n".join(report(followed, Names(sys.argv[1]))))

"""checks.py: checks that run in GDB, in the sessions of test_gdb.py.

Each prints one line: "right: ..." or "wrong: ...". Truth comes from where the
checked commands do not look: from the registers before an exception, from struct
trap_frame as C reads it, from the compiler's notes for the innermost frame.
"""

import re
import struct
import tempfile
import zlib

import gdb

import control
import machine
import raising
import stub
from machine import REGISTERS, WORD
from symbols import place

NAMES = (*REGISTERS, "rip", "rflags")


def registers(frame):
    """A frame's registers, by name."""
    names = {name: "eflags" if name == "rflags" else name for name in NAMES}
    found = {name: int(frame.read_register(gdbs)) for name, gdbs in names.items()}
    return {name: value & machine.ALL_ONES for name, value in found.items()}


def frames():
    """All frames, from the innermost on, but for those of inlined functions."""
    frame, found = gdb.newest_frame(), []
    while frame and frame.pc() != 0:
        if frame.type() != gdb.INLINE_FRAME:
            found.append(frame)
        frame = frame.older()
    return found


def chain(some):
    """What the caller of a caller is, as far as the frames know."""
    return [(f.name(), f.pc(), int(f.read_register("rsp"))) for f in some[1:]]


def interrupted(some):
    """The frame that is beyond a stub's."""
    beyond = [f for stubs, f in zip(some, some[1:]) if stub.is_stub(stubs.pc())]
    return beyond[0] if beyond else None


def verdict(wrong, right):
    print(f"wrong: {'; '.join(wrong[:3])}" if wrong else f"right: {right}")


def differences(found, wanted):
    return [name for name in wanted if found.get(name) != wanted[name]]


def saved_at(address):
    """The registers that struct trap_frame at ADDRESS holds."""
    kind = gdb.lookup_type("struct trap_frame").pointer()
    frame = gdb.Value(address).cast(kind)
    return {name: int(frame[name]) & machine.ALL_ONES for name in NAMES}


def in_stub(wanted, wrong):
    """Step through the stub; at each instruction, compare. Returns the number of
    instructions, and rsp at the last one in the stub."""
    steps = 0
    while stub.is_stub(machine.register("rip")):
        crossed = interrupted(frames())
        bad = differences(registers(crossed), wanted) if crossed else ["no caller"]
        if bad:
            wrong.append(f"{place(machine.register('rip'))}: {', '.join(bad)}")
        rsp = machine.register("rsp")
        control.step()
        steps += 1
        if len(wrong) > 3:
            break
    return steps, rsp


def crossing(vector, in_c=20):
    """Unwind at every instruction of the next exception's way: in the stub, at
    IN_C instructions of C, and on the way back."""
    raised, wrong = raising.find(vector), []
    wanted = {**registers(gdb.newest_frame()), "rip": raised.rip}
    outer = chain(frames())
    control.step()
    steps, _ = in_stub(wanted, wrong)
    frame = machine.register("rdi")  # the argument: struct trap_frame
    back, rsp = machine.word(machine.register("rsp")), machine.register("rsp")
    for _ in range(in_c):
        crossed = interrupted(frames())
        bad = differences(registers(crossed), wanted) if crossed else ["no stub"]
        if bad or chain(frames())[-len(outer) :] != outer:
            wrong.append(f"{place(machine.register('rip'))}: {', '.join(bad)}")
        control.step()
    while machine.register("rsp") <= rsp:
        control.run_to(back)
    more, _ = in_stub(saved_at(frame), wrong)
    verdict(wrong, f"{steps + more} instructions of the stub, {in_c} of C")


def interrupt(stack=None):
    """Do what the CPU does on an interrupt, at whatever instruction this is: on
    the present stack, or on another."""
    now = registers(gdb.newest_frame())
    words = (now["rip"], 0x8, now["rflags"], now["rsp"], 0x10)
    rsp = ((stack or now["rsp"]) & ~15) - len(words) * WORD
    gdb.selected_inferior().write_memory(rsp, struct.pack("<5Q", *words))
    go_to(stub.number("isr_32"), rsp)
    return now


def go_to(rip, rsp):
    for name, value in ("rip", rip), ("rsp", rsp):
        gdb.newest_frame().select()
        gdb.execute(f"set ${name} = {value:#x}")


def interruptions(steps, stack=None):
    """At each of the next STEPS instructions, pretend an interrupt. The backtrace
    has to be the same beyond the stub, even on the way from another STACK."""
    wrong = []
    for _ in range(steps):
        wanted = chain(frames())
        now = interrupt(stack)
        found = frames()
        bad = differences(registers(found[1]), now)
        if bad or chain(found[1:]) != wanted:
            wrong.append(f"{place(now['rip'])}: {found[2].name() if found[2:] else 0}")
        go_to(now["rip"], now["rsp"])
        control.step()
        if len(wrong) > 3:
            break
    verdict(wrong, f"{steps} interruptions")


REGION = re.compile(r"(0x\w+)-(0x\w+)  \S+ \wiB +([a-z, ]+?)(?:  +(\d) (\w)iB|  )")
AREA = re.compile(r"^(\w{16})-(\w{16}) \w{16} (\S{3})\s*$", re.M)  # of info mem
PAGE = re.compile(r"^(\w{16}): \w{16} (\S{9})\s*$", re.M)  # of info tlb


def told_regions():
    """[(start, end, rights, size of its pages)], as `regions` tells them."""
    for line in gdb.execute("regions", to_string=True).splitlines()[2:]:
        cells = REGION.match(line)
        if cells and cells[3] != "nothing":
            size = int(cells[4]) << {"K": 10, "M": 20}[cells[5]]
            yield int(cells[1], 16), int(cells[2], 16) + 1, cells[3], size


def joined(areas):
    """(start, end, kind) of AREAS, with those put together that could be."""
    found = []
    for start, end, *kind in areas:
        if found and (found[-1][1], found[-1][2]) == (start, kind):
            found[-1] = (found[-1][0], end, kind)
        else:
            found.append((start, end, kind))
    return found


def compare(told, wanted, right):
    missed = [area for area in wanted if area not in told]
    added = [area for area in told if area not in wanted]
    verdict([str(area) for area in missed + added], right)


def regions():
    """Where there are pages, and which can be written, as QEMU knows it."""
    told = list(told_regions())
    areas = AREA.findall(machine.monitor("info mem"))
    wanted = [(int(s, 16), int(e, 16), flags[2] == "w") for s, e, flags in areas]
    writable = [(start, end, "write" in rights) for start, end, rights, _ in told]
    compare(joined(writable), joined(wanted), f"{len(told)} regions")


def pages():
    """Each region, page by page. Where there are thousands, QEMU's list of them is
    too long for its stub."""
    found = []
    for address, flags in PAGE.findall(machine.monitor("info tlb")):
        start, size = int(address, 16), 2 << 20 if "P" in flags else 4 << 10
        write, execute = "W" in flags, "X" not in flags
        verbs = ["read"] + ["write"] * write + ["execute"] * execute
        found.append((start, start + size, ", ".join(verbs), size))
    told = [(start, end, [*kind]) for start, end, *kind in told_regions()]
    compare(told, joined(sorted(found)), f"{len(found)} pages")


def machine_state():
    """The registers, and a checksum of the memory of QEMU's machine."""
    with tempfile.NamedTemporaryFile() as file:
        machine.monitor(f'pmemsave 0 0x400000 "{file.name}"')
        return registers(gdb.newest_frame()), zlib.crc32(file.read())


def backwards(steps):
    """Go STEPS instructions in two ways; back has to undo both, exactly."""
    gdb.execute("mark", to_string=True)
    gdb.execute("fwd 10", to_string=True)
    wanted, wrong, end = machine_state(), [], None
    for way in (f"fwd {steps}", f"stepi {steps}"):
        with control.quiet():
            gdb.execute(way, to_string=True)
        end = end or machine.state()
        if machine.state() != end:  # QEMU has spent a step on a timer
            control.step()
        gdb.execute(f"back {steps}", to_string=True)
        found = machine_state()
        if found != wanted or machine.state() == end:
            bad = differences(found[0], wanted[0]) or ["memory"]
            wrong.append(f"back after {way}: {', '.join(bad)}")
    verdict(wrong, f"back {steps}")

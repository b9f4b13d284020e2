"""control.py: let the machine run, step it, and take it back in time."""

import contextlib
import os
import re
import signal
import threading

import gdb

import reset
from machine import memory, monitor, register, state, word
from symbols import place, text_section

PATIENCE = 20  # seconds a run may take


@contextlib.contextmanager
def quiet():
    """Within, GDB does not report where the machine stops."""
    gdb.execute("set suppress-cli-notifications on")
    try:
        yield
    finally:
        gdb.execute("set suppress-cli-notifications off")


def step(count=1):
    """Run COUNT instructions. GDB holds interrupts back meanwhile."""
    reset.check()
    with quiet():
        for _ in range(count):
            step_once()


def step_once():
    """Run one instruction. Now and then QEMU spends a step on a look at its timers
    instead: nothing has changed then, and one more is due. (An instruction that
    jumps to itself changes nothing either, and can bear it.)"""
    before = state()
    gdb.execute("stepi", to_string=True)
    if state() == before:
        gdb.execute("stepi", to_string=True)


def halts():
    """Where the kernel halts for good: at each hlt that follows a cli."""
    first, last = text_section()
    gdb.execute("set trust-readonly-sections on")  # it may not be mapped yet
    code = memory(first, last - first)
    gdb.execute("set trust-readonly-sections off")
    return [first + found.start() + 1 for found in re.finditer(b"\xfa\xf4", code)]


def go():
    """Let the machine run until it stops; with patience, but not for ever."""
    reset.check()
    timer = threading.Timer(PATIENCE, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with quiet():
            gdb.execute("continue", to_string=True)
    finally:
        timer.cancel()


def run_to(*addresses):
    """Run to one of ADDRESSES and return it. GdbError if the kernel halts before,
    if something else stops it, or if it takes too long."""
    ends = halts()
    places = {*addresses, *ends}
    stops = [gdb.Breakpoint(f"*{address:#x}", internal=True) for address in places]
    try:
        go()
    finally:
        for stop in stops:
            stop.delete()
    rip = register("rip")
    if rip in addresses:
        return rip
    reason = "The kernel has halted" if rip in ends else "Stopped on the way"
    raise gdb.GdbError(f"{reason}, at {place(rip) or hex(rip)}.")


def run_out():
    """Run until the function whose first instruction comes next has returned."""
    rsp = register("rsp")
    back = word(rsp)
    run_to(back)
    while register("rsp") <= rsp:  # that was a call of itself
        step()
        run_to(back)


def save(name):
    """Keep the whole machine under a name: CPU, memory and devices."""
    told = monitor(f"savevm {name}").strip()
    if told:
        raise gdb.GdbError(f"QEMU cannot keep the machine: {told}")


def load(name):
    """Bring the machine back as it was."""
    reset.check()
    told = monitor(f"loadvm {name}").strip()
    if told:
        raise gdb.GdbError(f"QEMU cannot bring the machine back: {told}")
    gdb.execute("maintenance flush register-cache", to_string=True)
    gdb.execute("maintenance flush dcache", to_string=True)


def show():
    """Tell where the machine stands, as GDB does after a step."""
    gdb.execute("frame")

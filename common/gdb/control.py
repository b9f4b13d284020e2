"""control.py: let the machine run, step it, and take it back in time."""

import contextlib
import os
import signal
import threading

import gdb

from machine import monitor, register
from symbols import place

PATIENCE = 20  # seconds a run may take
IF = 1 << 9  # in RFLAGS: interrupts are let in


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
    if count:
        with quiet():
            gdb.execute(f"stepi {count}", to_string=True)


def go(seconds):
    """Let the machine run, for so long at most; was that its end?"""
    over = threading.Event()

    def interrupt():
        over.set()
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(seconds, interrupt)
    timer.start()
    with quiet():
        gdb.execute("continue", to_string=True)
    timer.cancel()
    return over.is_set()


def has_halted():
    """Will nothing but a reset wake the CPU?"""
    return "HLT=1" in monitor("info registers") and not register("rflags") & IF


def run_on(addresses):
    """Run until the machine stands at one of ADDRESSES; GdbError if not."""
    for _ in range(PATIENCE):
        interrupted = go(1)
        if register("rip") in addresses:
            return
        if interrupted and has_halted():
            raise gdb.GdbError("The kernel has halted.")
        if not interrupted:
            raise gdb.GdbError(f"Stopped at {place(register('rip'))}.")
    raise gdb.GdbError(f"Nothing has happened for {PATIENCE} seconds.")


def run_to(*addresses):
    """Run to one of ADDRESSES and return it. GdbError if the kernel halts before,
    if something else stops it, or if it takes too long."""
    stops = [gdb.Breakpoint(f"*{address:#x}", internal=True) for address in addresses]
    try:
        run_on(addresses)
    finally:
        for stop in stops:
            stop.delete()
    return register("rip")


def save(name):
    """Keep the whole machine under a name: CPU, memory and devices."""
    told = monitor(f"savevm {name}").strip()
    if told:
        raise gdb.GdbError(f"QEMU cannot keep the machine: {told}")


def load(name):
    """Bring the machine back as it was."""
    told = monitor(f"loadvm {name}").strip()
    if told:
        raise gdb.GdbError(f"QEMU cannot bring the machine back: {told}")
    gdb.execute("maintenance flush register-cache", to_string=True)
    gdb.execute("maintenance flush dcache", to_string=True)


def show():
    """Tell where the machine stands, as GDB does after a step."""
    gdb.execute("frame")

"""threads.py: the GDB commands `threads` and `thread-bt`, what the kernel's threads
are, and where those stand that do not run.

A thread that does not run has called thread_switch, which has left its registers on
its stack. switch.asm says in which order; so read its code, as stub.py does.
"""

import contextlib
import os.path

import gdb

from assembler import caller
from command import Command, table
from machine import ALL_ONES, disassemble, register
from symbols import number, place

FIRST, CURRENT = "'threads.c'::threads", "'threads.c'::current"
STACK_SIZE = "'threads.c'::STACK_SIZE"
SWITCH = "thread_switch"
LONGEST = 100  # instructions of it

HEADER = ("", "id", "name", "state", "priority", "stands in", "called from")
FILE = "threads.c"


def variable(name):
    """A pointer of threads.c to a thread, as GDB's value."""
    try:
        value = gdb.parse_and_eval(name)
    except gdb.error:
        raise gdb.GdbError("This kernel has no threads.") from None
    try:
        value.fetch_lazy()
    except gdb.error:
        raise gdb.GdbError(
            "There are no threads yet: go on to memory_init, or further."
        ) from None
    return value


def threads():
    """All threads, as GDB's values, in the order in which the kernel has them."""
    thread, met = variable(FIRST), set()
    while thread:
        if int(thread) in met:
            raise gdb.GdbError(f"The list is broken: {int(thread):#x} comes twice.")
        met.add(int(thread))
        yield thread.dereference()
        thread = thread["next_thread"]


def ends_of_stack(thread):
    """The first address of a thread's stack, and the one behind its last."""
    start = int(thread["stack"]) & ALL_ONES
    if not start:  # the one that boot.asm has given the first thread
        return number("stack_bottom"), number("stack_top")
    return start, start + number(STACK_SIZE)


def has_cpu(thread):
    """Does the CPU use its stack? While thread_switch begins, that is not yet the one
    that is current. On the stack of an exception it is the current one."""
    rsp, stacks = register("rsp"), [ends_of_stack(each) for each in threads()]
    if any(start < rsp <= end for start, end in stacks):
        start, end = ends_of_stack(thread)
        return start < rsp <= end
    return thread.address == variable(CURRENT)


def back_in():
    """The address in thread_switch at which rsp is that of the next thread, and all
    registers are still to be popped."""
    at = number(SWITCH)
    for _ in range(LONGEST):
        instruction, length = disassemble(at)
        if instruction.startswith("pop"):
            return at
        at += length
    raise gdb.GdbError(f"{SWITCH} pops no registers.")


def saved(thread):
    """The registers of a thread that does not run, as they will be when thread_switch
    has returned."""
    registers, _ = caller(back_in(), int(thread["stack_pointer"]) & ALL_ONES)
    return registers


def standing(thread):
    """Within, the CPU has the registers of the thread, as far as GDB knows."""
    return pretended({} if has_cpu(thread) else saved(thread))


def calling():
    """The function that has called the innermost one, and its line: of those that
    are not of threads.c, since all threads but the current one stand there."""
    frame = gdb.newest_frame().older()
    while frame and frame.pc() != 0:
        line = frame.find_sal()
        file = os.path.basename(line.symtab.filename) if line.symtab else ""
        if file != FILE:
            return f"{frame.name()} {file}:{line.line}" if file else frame.name() or ""
        frame = frame.older()
    return ""


def stands():
    """Where the CPU is to go on, and who has called that."""
    rip = register("rip")
    return place(rip) or f"{rip:#x}", calling()


def word_of(constant):
    """An enumeration's constant as the kernel says it: "waiting" for THREAD_WAITING."""
    return str(constant).rpartition("_")[2].lower()


def row(thread):
    """The cells of the table for a thread."""
    with standing(thread):
        where = stands()
    return (
        "*" if has_cpu(thread) else "",
        str(int(thread["id"])),
        thread["name"].string(),
        word_of(thread["state"]),
        word_of(thread["priority"]),
        *where,
    )


@contextlib.contextmanager
def pretended(registers):
    """Within, GDB finds REGISTERS in the CPU, and after it what was there before."""
    before = {name: register(name) for name in registers}
    try:
        write(registers)
        yield
    finally:
        write(before)


def write(registers):
    for name, value in registers.items():
        gdb.newest_frame().select()
        gdb.execute(f"set ${name} = {value:#x}", to_string=True)


def find(argument):
    """The thread that the user means."""
    wanted = number(argument)
    for thread in threads():
        if int(thread["id"]) == wanted:
            return thread
    raise gdb.GdbError(f"There is no thread {wanted}; threads lists them.")


class Threads(Command):
    """threads: the kernel's threads, and where each of them stands.

    The * marks the one that has the CPU, that is, on whose stack the CPU is. Of the
    others it is told where they go on when they have it again: thread_switch has
    left the address on their stacks. That is always in threads.c; so the last
    column is the innermost of the callers which is not. thread-bt tells them
    all."""

    name = "threads"

    def run(self, argument):
        if argument:
            raise self.usage()
        table([HEADER, *map(row, list(threads()))])


class ThreadBacktrace(Command):
    """thread-bt ID: the backtrace of a thread, whether it runs or not.

    ID is the number that threads and the kernel's own ps have for it. Of the
    thread that has the CPU it is the same as backtrace. The machine stays as it
    is: afterwards the selected frame is the innermost one of the CPU."""

    name = "thread-bt"
    category = gdb.COMMAND_STACK

    def run(self, argument):
        if not argument:
            raise self.usage()
        with standing(find(argument)):
            gdb.execute("backtrace")


Threads()
ThreadBacktrace()

"""recorder.py: the GDB command `record-steps`. recording.py has the format."""

import argparse
import os

import gdb

import raising
import walked
from command import Command
from control import run_out, run_to, step
from machine import register
from recording import Recording
from symbols import number, place
from vectors import EXCEPTIONS

IF = 1 << 9  # of rflags: interrupts are enabled
LET_IN, HOLD_BACK = 0x1, 0x7  # interrupts, while GDB steps: what QEMU's stub may do


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and leaves GDB alive."""

    def error(self, message):
        raise gdb.GdbError(f"record-steps: {message}")


def parser():
    made = Parser(prog="record-steps", add_help=False, allow_abbrev=False)
    made.add_argument("file")
    made.add_argument("--vector", type=int)
    made.add_argument("--from", dest="start")
    made.add_argument("--to")
    made.add_argument("--walk")
    made.add_argument("--over", action="append", default=[])
    made.add_argument("--moment", action="append", default=[])
    made.add_argument("--max", type=int, default=3000)
    return made


def parsed(argument):
    """The options, checked."""
    options = parser().parse_args(gdb.string_to_argv(argument))
    if options.vector is None and not options.start:
        raise gdb.GdbError("record-steps: give one of --vector and --from")
    ends = bool(options.to) + (options.vector is not None)
    if options.walk and (ends or not options.start):
        raise gdb.GdbError("record-steps: --walk needs --from, and no more")
    if options.start and not options.walk and ends != 1:
        raise gdb.GdbError("record-steps: --from needs one of --to and --vector")
    return options


def begin(options):
    """Go to the first instruction to be recorded."""
    if options.start:
        run_to(number(options.start))
        return
    raised = raising.find(options.vector)
    if raised.origin == raised.rip and raised.vector not in EXCEPTIONS:
        raise gdb.GdbError("record-steps: for an interrupt, --vector needs --from")


def is_end(options, recording):
    """Is the step to be recorded now the last one?"""
    if options.to:
        return register("rip") == number(options.to) and recording.steps
    returned = recording.last and recording.last.name == "iretq"
    return returned and options.vector in recording.vectors


def check(recording, places):
    """Each place that is to be a moment has to be one."""
    missed = [place for place in places if place not in recording.moments]
    if missed:
        raise gdb.GdbError(f"record-steps: never came to {', '.join(missed)}")


def wait():
    """Step the hlt that comes next. That takes until an interrupt comes, and into
    the first instruction of its stub. GDB would hold it back."""
    if not register("rflags") & IF:
        at = place(register("rip"))
        raise gdb.GdbError(f"record-steps: the kernel has halted for good, at {at}")
    allow(LET_IN)
    try:
        step()
    finally:
        allow(HOLD_BACK)


def allow(bits):
    gdb.execute(f"maintenance packet Qqemu.sstep={bits:#x}", to_string=True)


def record(options):
    """The Recording that the options ask for."""
    recording = Recording(os.path.basename(os.getcwd()), options.moment)
    begin(options)
    for _ in range(options.max):
        last = is_end(options, recording)
        instruction = recording.add()
        if last:
            check(recording, options.moment)
            return recording
        if instruction.callee() in options.over:
            recording.steps[-1]["over"] = True
            step()
            run_out()
        elif instruction.repeats():
            run_to(instruction.end)  # a step would be one of its turns
        elif instruction.name == "hlt":
            wait()
        else:
            step()
    at = place(register("rip"))
    raise gdb.GdbError(f"record-steps: {options.max} steps, and only at {at}")


class RecordSteps(Command):
    """record-steps FILE OPTION...: record each step, for the stepper of the book.

    --vector N       from the instruction that raises the next exception of vector N
                     to where the program goes on
    --from PLACE     from PLACE, such as thread_switch or isr_common+23; with
                     --vector on through the next interrupt or exception of vector
                     N, to where the program goes on after it
    --to PLACE       until PLACE is reached; can be left out after --vector
    --walk ADDRESS   record no steps, but at --from the way of ADDRESS through the
                     page tables; walked.py describes this FILE
    --over FUNCTION  calls of FUNCTION are one step; can be repeated
    --moment PLACE   the first time that PLACE comes next is a moment, of that
                     name; can be repeated
    --max N          give up after so many steps (3000)

    An instruction that is repeated, such as rep stosq, is one step. So is hlt: an
    interrupt ends it, and its stub comes next. At other instructions no interrupt
    comes. PLACE is an expression of GDB's for an address; that of a moment is
    spelled as in FILE.
    recording.py, in common/gdb, describes the format of FILE."""

    name = "record-steps"
    category = gdb.COMMAND_RUNNING

    def run(self, argument):
        options = parsed(argument)
        if options.walk:
            run_to(number(options.start))
            walked.write(options.walk, options.file)
            return
        recording = record(options)
        recording.write(options.file)
        print(f"{len(recording.steps)} steps are in {options.file}.")


RecordSteps()

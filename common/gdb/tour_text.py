"""tour_text.py: what the tour says at its stations.

One function for each kind of station. It returns the title, paragraphs, and
commands of GDB to show, for the moment before the station's instructions run.
"""

import flags
import stub
from machine import WORD, register, word
from symbols import place, source_place
from vectors import mnemonic


def before(tour):
    paragraphs = [
        f"The next instruction, at {place(tour.origin)} ({source_place(tour.origin)}),"
        f" raises {mnemonic(tour.vector)}, vector {tour.vector}. "
        + ("It is a trap: the program is to go on behind it." if tour.is_trap() else
           "It is a fault: the CPU undoes the instruction, and the program is to try"
           " it again, once the cause has been cured."),
        f"Remember rsp, {register('rsp'):#x}, and the flags,"
        f" {flags.letters(register('rflags'))}: in the end they have to be the same."
        " The CPU will look up the vector in the interrupt descriptor table:",
    ]
    return "Before the exception", paragraphs, [f"idt {tour.vector}"]


def entered(tour):
    rsp, top = tour.before["rsp"], tour.frame + WORD * len(stub.CPU_PUSHES)
    rounding = f"rsp was {rsp:#x}, a multiple of 16."
    if rsp != top:
        rounding = f"rsp was {rsp:#x}, and the CPU has rounded it down to {top:#x}."
    paragraphs = [
        f"{rounding} Then it has pushed ss, rsp, rflags, cs and rip"
        + (", and an error code" if tour.has_error_code() else "") + ", in this order;"
        " so from rsp on upwards they stand in the reverse one:",
    ]
    return "What the CPU has pushed", paragraphs, [f"x/{tour.pushed()}gx $rsp"]


def stub_station(tour):
    code = f"{mnemonic(tour.vector)} has an error code, which the CPU has pushed."
    if not tour.has_error_code():
        code = (f"{mnemonic(tour.vector)} has no error code. The stub pushes 0 in its"
                " place, so that all frames have the same shape.")
    return f"The stub, isr_{tour.vector}", [
        f"The saved rip is {word(tour.frame):#x}, {place(word(tour.frame))}: the"
        f" instruction {'behind' if tour.is_trap() else 'of'} the exception. The gate"
        f" has changed the flags; now they are: {flags.letters(register('rflags'))}.",
        f"Nowhere did the CPU leave the number of the vector. That is what the stub"
        f" is for. {code}",
    ], []


def push(tour):
    return "The general registers", [
        "Whatever C does with the registers, the program must not notice. Each push"
        " puts one into struct trap_frame, from its end to its beginning, where a"
        " handler can read and change it. rsp is not among them: the CPU has it.",
    ], []


def other(tour):
    return "Before C", [
        "The program may have set the direction flag, but C code counts on its being"
        " clear. The first argument of a function goes into rdi: the address of the"
        " frame, which is the stack pointer.",
    ], []


def call(tour):
    rsp = register("rsp")
    words = (tour.frame - rsp) // WORD + len(stub.CPU_PUSHES)
    good = "a multiple of 16"
    if rsp % 16 != 0:
        good = "NO multiple of 16: the stub is wrong"
    return "The call", [
        "Before a call, the System V ABI wants rsp to be a multiple of 16. The CPU"
        f" began at one, and {words} words have been pushed; so it is {rsp:#x},"
        f" {good}.",
        *direction(),
    ], []


def direction():
    """A paragraph if the direction flag is still set."""
    if not register("rflags") & flags.DF:
        return []
    return ["The direction flag is set, and C does NOT expect that: the stub is wrong."]


def c(tour):
    paragraphs = [
        f"{place(register('rip'))} was called with the frame's address in rdi, "
        f"{register('rdi'):#x}. The backtrace crosses the stub, into the program that"
        " was interrupted:",
    ]
    if not tour.returns():
        paragraphs.insert(0, "This is the last station: after the call the stub has"
                             " nothing but ud2, so C is not to return.")
    return "In C", paragraphs, ["backtrace", "trapframe"]


def pop(tour):
    told = "C has left the frame as it was."
    if tour.wanted:
        changes = [
            f"{name} from {tour.at_call[name]:#x} to {new:#x}"
            for name, new in tour.wanted.items()
        ]
        told = f"C has changed the frame: {', '.join(changes)}."
    return "Back from C", [
        f"{told} What is in the registers now is of no interest any more: the pops"
        " take them from the frame, in the reverse order of the pushes.",
    ], []


def drop(tour):
    return "What iretq does not know", [
        "Vector and error code are still on the stack, and iretq takes what it finds"
        " there for rip. One word too many or too few here, and the program goes on"
        " at an address like 0 or 8.",
    ], []


def iretq(tour):
    return "The return", [
        "Now rsp points to the five words that the CPU has pushed. iretq pops them all:"
        " rip, cs, rflags, rsp, ss. It takes ring and flags from here, whatever they"
        " have been before.",
    ], ["x/5gx $rsp"]


def resumed(tour):
    whence = "behind" if register("rip") != tour.origin else "at"
    changed = tour.damage()
    told = "All registers and flags are what they were, or what C wanted them to be."
    if changed:
        told = ("But these are neither what they were nor what C wanted them to be: "
                + ", ".join(changed) + ". The stub is wrong.")
    return "Resumed", [
        f"The program goes on {whence} the instruction that raised the exception, at"
        f" {place(register('rip'))}. {told}",
    ], []


STATIONS = {
    "before": before, "entered": entered, "stub": stub_station, "push": push,
    "other": other, "call": call, "c": c, "pop": pop, "drop": drop, "iretq": iretq,
    "resumed": resumed,
}  # fmt: skip

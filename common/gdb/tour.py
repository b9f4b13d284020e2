"""tour.py: the GDB command `tour`, a guided walk through an exception.

The walk is made of stations. At each, the tour says what to look at
(tour_text.py); then the instructions that come next run one by one, up to the
next station. Where that is shows in the code itself: a run of pushes ends, a
call comes. So the tour fits every chapter, and a stub that a reader has changed.
"""

import sys
import textwrap

import gdb

import raising
import stub
import tour_text
from backwards import NAME, trail
from command import Command, table
from control import load, run_out, save, step
from machine import REGISTERS, disassemble, register, state, word
from symbols import number, place
from trapframe import layout, slots
from vectors import WITH_ERROR_CODE

WIDTH = 76  # columns of text
QUESTION = "Enter goes on, b goes back, q leaves: "
KINDS = {"push": "push", "pop": "pop", "call": "call", "iretq": "iretq"}


def kind_in_stub():
    """The kind of the stub's instruction that comes next."""
    instruction = disassemble(register("rip"))[0]
    if stub.vector_of(register("rip")) is not None:
        return "stub"
    if instruction.startswith("add rsp"):
        return "drop"
    return KINDS.get(instruction.split()[0], "other")


class Tour:
    """One tour: what the stations need to know about the exception."""

    def __init__(self, vector):
        self.exception = raising.find(vector)
        self.vector = self.exception.vector
        self.origin = self.exception.origin
        self.before = state()
        save(NAME)
        trail.set(0)
        self.frame = None  # where the CPU has pushed rip
        self.at_call = {}  # the frame's words before the C code
        self.wanted = {}  # those of them which C has changed
        self.stations = []  # those which we have been to

    # What comes next

    def next_kind(self):
        """The kind of the next station; it depends on the last one, and on the
        instruction that comes next."""
        last = self.stations[-1] if self.stations else None
        after = {None: "before", "before": "entered", "call": "c", "iretq": "resumed"}
        if last in after:
            return after[last]
        return kind_in_stub() if stub.is_stub(register("rip")) else "resumed"

    def arrive(self):
        """Enter the next station and say its text."""
        kind = self.next_kind()
        save(f"station{len(self.stations)}")
        self.stations.append(kind)
        if kind == "entered":
            self.frame = stub.frame_at(register("rip"), register("rsp"))
        if kind == "c":
            self.at_call = self.words()
        title, paragraphs, commands = tour_text.STATIONS[kind](self)
        print(f"\n{len(self.stations)}. {title}\n")
        for paragraph in paragraphs:
            print(textwrap.fill(paragraph, WIDTH) + "\n")
        for command in commands:
            print(f"  (gdb) {command}")
            print(gdb.execute(command, to_string=True), end="")

    def back(self):
        """Return to the station before; at the first, stay."""
        del self.stations[-2:]
        load(f"station{len(self.stations)}")

    # Running

    def go_on(self):
        """Run the instructions of the station."""
        kind = self.stations[-1]
        if kind == "c":
            run_out()
            self.wanted = self.changes()
        elif kind in ("before", "call", "iretq"):
            table([self.run_one()])
        elif kind != "entered":
            table(self.run_group(kind))

    def run_group(self, kind):
        """Run instructions while they are of one kind; the rows that show them."""
        rows = []
        while stub.is_stub(register("rip")) and kind_in_stub() == kind:
            rows.append(self.run_one())
        return rows

    def run_one(self):
        """Run one instruction; where it was, what it was, what it has done."""
        old, instruction = state(), disassemble(register("rip"))[0]
        step()
        return f"  {place(old['rip'])}", instruction, self.effect(instruction, old)

    def effect(self, instruction, old):
        """What INSTRUCTION has done, but for what it does always, to rip and rsp."""
        new = state()
        name, _, operand = instruction.partition(" ")
        if name == "push":
            at = new["rsp"]
            return f"{at:#x}: {self.name_of(at)} = {word(at):#x}"
        if name == "pop":
            return f"{operand} = {new.get(operand, 0):#x}"
        if name == "add":
            return f"rsp = {new['rsp']:#x}"
        changed = [name for name in REGISTERS if old[name] != new[name]]
        return ", ".join(f"{n} = {new[n]:#x}" for n in changed if n != "rsp")

    # The frame

    def slots(self):
        """The words of the trap frame."""
        return slots(self.frame - layout()["rip"], self.vector)

    def words(self):
        return {slot.name: word(slot.address) for slot in self.slots()}

    def name_of(self, address):
        names = {slot.address: slot.name for slot in self.slots()}
        return names.get(address, "a word")

    # Facts for the texts

    def is_trap(self):
        """Does the program go on behind the instruction, not at it?"""
        return self.exception.rip != self.origin

    def has_error_code(self):
        return self.vector in WITH_ERROR_CODE and not self.is_trap()

    def pushed(self):
        """The number of words the CPU has pushed."""
        return len(stub.CPU_PUSHES) + self.has_error_code()

    def returns(self):
        """Does the stub count on C to return?"""
        return disassemble(word(register("rsp")))[0] != "ud2"

    def changes(self):
        """The words of the frame that C has changed, by name."""
        old = self.at_call
        return {name: new for name, new in self.words().items() if old[name] != new}

    def damage(self):
        """Registers that are neither as before nor as C has wanted them."""
        right = {**self.before, "rip": self.exception.rip, **self.wanted}
        return [name for name, value in state().items() if value != right[name]]

    def is_over(self):
        """Has the tour come to its end?"""
        last = self.stations[-1]
        return last == "resumed" or last == "c" and not self.returns()


def ask():
    """What the reader wants; Enter is the empty string."""
    try:
        return input(QUESTION).strip()
    except EOFError:
        return "q"


def conduct(tour, asks):
    """Lead through all stations; with ASKS the reader says when to go on."""
    while True:
        tour.arrive()
        if tour.is_over():
            return
        answer = ask() if asks else ""
        if answer == "q":
            return
        if answer == "b":
            tour.back()
        else:
            tour.go_on()


class TourCommand(Command):
    """tour [VECTOR] [--all]: be led through the next exception, and back.

    Goes to the instruction that raises the next exception (or the next one of
    VECTOR) and from there to where the program goes on: through what the CPU
    pushes, the stub, the C code, the pops and iretq. Every station says what to
    look at, and waits: Enter goes on, b goes back to the station before, q
    leaves. Then the machine stays where it is, and all other commands work;
    back leads back to the exception. With --all the tour does not wait, nor
    where no one can answer."""

    name = "tour"
    category = gdb.COMMAND_RUNNING

    def run(self, argument):
        words = argument.split()
        everything = "--all" in words
        rest = [word for word in words if word != "--all"]
        if len(rest) > 1:
            raise self.usage()
        tour = Tour(number(rest[0]) if rest else None)
        conduct(tour, asks=sys.stdin.isatty() and not everything)


TourCommand()

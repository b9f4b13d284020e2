"""test_injection.py: something is broken from outside, at any moment. The kernel says
what has happened, or goes on as if nothing had; it never hangs or resets in silence.

INJECT_POINTS in the environment says how many NMIs come at random moments, INJECT_SEED
which moments these are: make inject POINTS=2000 SEED=5.
"""

import contextlib
import itertools
import os
import random
import re

import pytest

import elf
import images
import ktap
from injection import COUNTED, FLAG_IF, FLAG_TF, NEXT_FRAME, NO_EXECUTE
from injection import PRESENT, RESERVED, WRITABLE, Outcome, Victim
from qemu import PASS, Ending
from told import NUMBER

POINTS = int(os.environ.get("INJECT_POINTS", 200))
SEED = int(os.environ.get("INJECT_SEED", 1))
STEPS = 200  # instructions from a place to a point, at most
STRESS = "injection/stress.c"
NOWHERE, NOT_CANONICAL = 0xFFFFFFFFC0000000, 1 << 63
TEST = "sums_are_right_whenever_nmis_come"
NMI = rf"\nNMI, unknown cause, before ({NUMBER}) \w+\+0x\w+\n"

# Where those moments begin: what the scheduler is made of.
PLACES = (
    "isr_32 exception_dispatch threads_tick threads_preempt thread_switch run_next "
    "thread_wait thread_wake threads_restore mutex_lock mutex_unlock buffer_put "
    "buffer_get semaphore_wait thread_create thread_join kmalloc kfree"
).split()


# NMIs


def nmi_changes_nothing(victim):
    """An NMI comes now. Returns once it has been handled."""
    before = victim.stub.ask("g")
    rip = victim.register("rip")
    victim.nmi()
    victim.stub.run_to(rip)
    while victim.register("rsp") != rsp_in(before):
        victim.stub.step()  # that was the NMI's own way, or another thread's
        victim.stub.run_to(rip)
    assert victim.stub.ask("g") == before
    return rip


def rsp_in(registers):
    return int.from_bytes(bytes.fromhex(registers[7 * 16 : 8 * 16]), "little")


def nmi_on_no_stack(victim, rsp):
    """The same while the stack pointer points nowhere, and no tick can come."""
    kept = victim.register("rsp"), victim.register("eflags")
    victim.set_register("rsp", rsp)
    victim.set_register("eflags", kept[1] & ~FLAG_IF)
    rip = nmi_changes_nothing(victim)
    victim.set_register("rsp", kept[0])
    victim.set_register("eflags", kept[1])
    return rip


def go_to_point(victim, chosen):
    """A random number of instructions after a place that has been chosen."""
    victim.run_to(chosen.choice(PLACES))
    for _ in range(chosen.randrange(STEPS)):
        victim.stub.step()


def nmis_at_points(victim, chosen):
    """The addresses of the instructions before which they came."""
    bad = (0, NOT_CANONICAL, victim.symbols["stack_bottom"])
    for point in range(POINTS):
        go_to_point(victim, chosen)
        print(f"seed {SEED}, point {point}: {victim.register('rip'):016x}")
        if point % 4 == 3:
            yield nmi_on_no_stack(victim, chosen.choice(bad))
        else:
            yield nmi_changes_nothing(victim)


def nmis_from_entry_to_end(victim):
    """At each instruction of isr.asm, of a tick that switches no thread or does."""
    common = victim.symbols["isr_common"]
    victim.run_to("isr_32")
    top = victim.register("rsp")
    while victim.register("rip") != victim.symbols["exception_dispatch"]:
        yield nmi_changes_nothing(victim)
        victim.stub.step()
    victim.stub.run_to(victim.word(victim.register("rsp")))
    while victim.register("rip") >= common and victim.register("rsp") <= top:
        yield nmi_changes_nothing(victim)
        victim.stub.step()
    yield nmi_changes_nothing(victim)


def nmis_in_a_switch(victim):
    """At each instruction of switch.asm, and the first of the other thread."""
    victim.run_to("thread_switch")
    for _ in range(15):
        yield nmi_changes_nothing(victim)
        victim.stub.step()


@pytest.mark.only("09-scheduling")
def test_nmis_change_nothing_at_any_instruction(chapter):
    """Each is told, with its place; all registers stay, and the sums are right."""
    seconds = 100 + POINTS / 10
    with Victim(chapter, STRESS, seconds=seconds, exits=True) as victim:
        victim.run_to("threads_tick")
        victim.stub.ask("Qqemu.sstep=1")  # interrupts come, also at a step
        rips = [*nmis_from_entry_to_end(victim), *nmis_in_a_switch(victim)]
        assert len(rips) > 50
        rips += nmis_at_points(victim, random.Random(SEED))
        victim.set_word(victim.symbols["stress_over"], 1)
        victim.stub.go_on()
        ending = victim.run_to_end()
        assert ending == Ending("exit", PASS), victim.report("not passed")
        assert [int(rip, 16) for rip in re.findall(NMI, victim.serial)] == rips
        report = ktap.Report(re.sub(NMI, "", victim.serial), ending)
        assert report.results == {TEST: True}, victim.serial


def some_points(chapter):
    with Victim(chapter, STRESS) as victim:
        victim.run_to("threads_tick")
        victim.stub.ask("Qqemu.sstep=1")
        points = nmis_at_points(victim, random.Random(SEED))
        return [(rip, victim.stub.ask("g")) for rip in itertools.islice(points, 4)]


@pytest.mark.only("09-scheduling")
def test_seed_says_what_the_points_are(chapter):
    """Where the NMIs come, and all that the registers hold then."""
    points = some_points(chapter)
    assert len(dict(points)) > 1
    assert some_points(chapter) == points


# A stopped kernel, to which each of these is done by itself


def stop(victim):
    """At the first instruction of a tick. In chapters without, in the handler of an
    exception; in 03, where none returns, in a function that does."""
    if victim.chapter >= "07-interrupts":
        victim.stub.go_on()
        assert victim.run_to_prompt().kind == "prompt"
        victim.stub.stop()
        victim.run_to("isr_32")
    elif victim.chapter == "03-exceptions":
        victim.run_to("print_stage")
    else:
        victim.run_to("exception_dispatch")
    victim.keep()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    victims = {}
    with contextlib.ExitStack() as stack:

        def of(chapter):
            victim = victims.get(chapter)
            if not victim or victim.process.poll() is not None:  # a test has failed
                victim = Victim(chapter, directory=tmp_path_factory.mktemp(chapter))
                victims[chapter] = stack.enter_context(victim)
                stop(victim)
            return victim

        yield of


def told_of(victim, break_it):
    """What the kernel tells before it halts, once BREAK_IT has been done to it."""
    victim.restore()
    break_it(victim)
    outcome = victim.outcome()
    assert outcome.kind == "halted", victim.serial
    return outcome.told


def assert_goes_on(victim, break_it):
    """The kernel notices nothing, and answers at its prompt."""
    victim.restore()
    break_it(victim)
    victim.send("uptime\n")

    def asks():
        return victim.serial[victim.told :].endswith("ticks\nkernel> ")

    assert victim.outcome(until=asks).kind == "prompt", victim.serial


GENERAL_PROTECTION = r"\n#GP general protection, vector 13(, .*)?\nerror code 0x\w+: "
PAGE_FAULT = r"\n#PF page fault, vector 14(, .*)?\nerror code 0x\w+: "
DOUBLE_FAULT = r"\n#DF double fault, vector 8(, .*)?\n"

# A word of a trap frame, its new value, and what is told when the handler returns.
FRAMES = {
    "cs null": ("cs", 0, rf"{GENERAL_PROTECTION}no selector"),
    "cs data": ("cs", 0x10, rf"{GENERAL_PROTECTION}entry 2 of the GDT"),
    "cs nowhere": ("cs", 0xFFF8, rf"{GENERAL_PROTECTION}entry 8191 of the GDT"),
    "ss code": ("ss", 0x08, rf"{GENERAL_PROTECTION}entry 1 of the GDT"),
    "ss ring 3": ("ss", 0x13, rf"{GENERAL_PROTECTION}entry 2 of the GDT"),
    "rip null": ("rip", 0, rf"{PAGE_FAULT}(instruction fetch|read) .*not present"),
    "rip not canonical": ("rip", NOT_CANONICAL, GENERAL_PROTECTION),
    "rflags TF": ("rflags", FLAG_TF | 2, r"\n#DB debug, vector 1"),
}
STACKS = {"null": 0, "not canonical": NOT_CANONICAL, "nowhere": NOWHERE}


def in_handler(victim):
    if victim.chapter >= "07-interrupts":
        victim.run_to("exception_dispatch")


@pytest.mark.only("04-returning", "05-paging", "07-interrupts", "09-scheduling")
@pytest.mark.xdist_group("injection")
def test_broken_trap_frame_is_reported(chapter, kept):
    for name, (word, value, told) in FRAMES.items():

        def break_it(victim):
            in_handler(victim)
            victim.set_frame(word, value)

        assert re.search(told, told_of(kept(chapter), break_it)), name


@pytest.mark.only("06-double-faults", "07-interrupts", "09-scheduling")
@pytest.mark.xdist_group("injection")
@pytest.mark.parametrize("name", STACKS)
def test_stack_pointer_in_a_trap_frame_is_reported(chapter, name, kept):
    def break_it(victim):
        in_handler(victim)
        victim.set_frame("rsp", STACKS[name])

    told = told_of(kept(chapter), break_it)
    assert re.match(DOUBLE_FAULT, told), told
    assert f"rsp {STACKS[name]:016x}" in told


# What is put in place of a return address, and what is told when the function returns.
RETURNS = {
    "null": (0, rf"{PAGE_FAULT}(instruction fetch|read) .*not present"),
    "nowhere": (NOWHERE, rf"{PAGE_FAULT}(instruction fetch|read) .*not present"),
    "not canonical": (NOT_CANONICAL, GENERAL_PROTECTION),
}


def in_function(victim):
    """Its return address has just been pushed. In 09 it is another thread's."""
    if victim.chapter >= "07-interrupts":
        victim.send("u")
        victim.run_to("printf")


def told_of_return(victim, address):
    """What is told once a function returns to an ADDRESS, maybe that of the stack."""

    def break_it(victim):
        in_function(victim)
        rsp = victim.register("rsp")
        victim.set_word(rsp, rsp if address is None else address)

    told = told_of(victim, break_it)
    title = told[: told.index("\nerror code")]
    assert title.endswith(", thread 1, monitor") == (victim.chapter >= "09-scheduling")
    return told


@pytest.mark.only("03-exceptions", "07-interrupts", "08-heap", "09-scheduling")
@pytest.mark.xdist_group("injection")
@pytest.mark.parametrize("name", RETURNS)
def test_smashed_return_address_is_reported(chapter, name, kept):
    address, expected = RETURNS[name]
    told = told_of_return(kept(chapter), address)
    assert re.search(expected, told), told
    assert f"rip {address:016x}" in told


@pytest.mark.only("07-interrupts", "08-heap", "09-scheduling")
@pytest.mark.xdist_group("injection")
def test_return_to_data_is_reported(chapter, kept):
    victim = kept(chapter)
    fetch = rf"{PAGE_FAULT}instruction fetch .*, not permitted\ncr2 \w+: "
    told = told_of_return(victim, victim.symbols["ticks"])
    assert re.search(rf"{fetch}kernel data cannot be executed", told), told
    told = told_of_return(victim, None)
    assert re.search(rf"{fetch}(kernel stack|large blocks) cannot", told), told


@pytest.mark.only("07-interrupts", "09-scheduling")
@pytest.mark.xdist_group("injection")
@pytest.mark.parametrize("vector", [39, 47])
def test_spurious_interrupt_loses_nothing(chapter, vector, kept):
    victim = kept(chapter)
    assert_goes_on(victim, lambda _: victim.interrupt(vector))
    assert victim.word(victim.symbols["spurious"]) == 1


@pytest.mark.only("07-interrupts", "08-heap", "09-scheduling")
@pytest.mark.xdist_group("injection")
@pytest.mark.parametrize("vector", [35, 48, 128, 255])
def test_interrupt_that_nobody_handles_is_reported(chapter, vector, kept):
    told = told_of(kept(chapter), lambda victim: victim.interrupt(vector))
    assert re.match(rf"\nunexpected interrupt, vector {vector}\b", told), told


# The gates that are taken away, and what is told at the next tick. QEMU 7.2 doubles
# the index in the error code.
GATES = {
    "of the tick": ([32], rf"{GENERAL_PROTECTION}entry (32|64) of the IDT"),
    "and of #GP": ([32, 13], DOUBLE_FAULT),
}


def zero(victim, *vectors):
    for vector in vectors:
        victim.stub.write_memory(victim.gate(vector), bytes(16))


def make_absent(victim, *vectors):
    for vector in vectors:
        victim.stub.write_memory(victim.gate(vector) + 5, b"\x0e")


@pytest.mark.only("07-interrupts", "09-scheduling")
@pytest.mark.xdist_group("injection")
@pytest.mark.parametrize("name", GATES)
def test_missing_gate_is_reported(chapter, name, kept):
    vectors, expected = GATES[name]
    told = told_of(kept(chapter), lambda victim: zero(victim, *vectors))
    assert re.match(expected, told), told


@pytest.mark.only("07-interrupts", "09-scheduling")
@pytest.mark.xdist_group("injection")
def test_gate_that_is_not_present_is_reported(chapter, kept):
    victim = kept(chapter)
    told = told_of(victim, lambda _: make_absent(victim, 32))
    title = r"\n#NP segment not present, vector 11\S*\nerror code 0x\w+: "
    assert re.match(rf"{title}entry (32|64) of the IDT", told), told
    told = told_of(victim, lambda _: make_absent(victim, 32, 11))
    assert re.match(DOUBLE_FAULT, told), told


@pytest.mark.only("03-exceptions", "07-interrupts", "08-heap", "09-scheduling")
@pytest.mark.xdist_group("injection")
@pytest.mark.parametrize("remove", [zero, make_absent])
def test_page_fault_without_its_gate_is_reported(chapter, remove, kept):
    def break_it(victim):
        remove(victim, 14)
        if chapter >= "07-interrupts":
            victim.send("fault null\n")  # in 03 the mistake is on its way

    told = told_of(kept(chapter), break_it)
    assert re.search(DOUBLE_FAULT, told), told


# Bits of the entry of a page, and what is told when the page is needed. A page of code
# that is elsewhere is none of them: what is there is executed, and may do anything.
CODE = {
    "not present": (PRESENT, rf"{PAGE_FAULT}instruction fetch .*, page not present\n"),
    "not to be executed": (NO_EXECUTE, rf"{PAGE_FAULT}instruction fetch .*permitted\n"),
    "reserved": (RESERVED, rf"{PAGE_FAULT}instruction fetch .*reserved bit set"),
}
DATA = {
    "not present": (PRESENT, rf"{PAGE_FAULT}\w+ in supervisor mode, page not present"),
    "not to be written": (WRITABLE, rf"{PAGE_FAULT}write .*, not permitted\n"),
    "reserved": (RESERVED, rf"{PAGE_FAULT}\w+ in supervisor mode, reserved bit set"),
}


def flip_and_type(victim, place, bits):
    victim.flip(victim.symbols[place], bits)
    victim.send("u")  # so that the monitor runs


@pytest.mark.only("07-interrupts", "09-scheduling")
@pytest.mark.xdist_group("injection")
@pytest.mark.parametrize("name", CODE)
def test_broken_page_of_code_is_reported(chapter, name, kept):
    bits, expected = CODE[name]
    told = told_of(kept(chapter), lambda v: flip_and_type(v, "line_read", bits))
    assert re.search(expected, told), told


@pytest.mark.only("09-scheduling")
@pytest.mark.xdist_group("injection")
@pytest.mark.parametrize("name", DATA)
def test_broken_page_of_data_is_reported(chapter, name, kept):
    bits, expected = DATA[name]
    told = told_of(kept(chapter), lambda v: v.flip(v.symbols["ticks"], bits))
    assert re.match(expected, told), told


@pytest.mark.only("07-interrupts", "08-heap", "09-scheduling")
@pytest.mark.xdist_group("injection")
@pytest.mark.parametrize("bits", [PRESENT, WRITABLE, RESERVED])
def test_broken_page_of_the_stack_is_reported(chapter, bits, kept):
    """Of the kernel's own or, in 09, of another thread's."""

    def break_it(victim):
        in_function(victim)
        victim.flip(victim.register("rsp"), bits)

    told = told_of(kept(chapter), break_it)
    assert re.search(DOUBLE_FAULT, told), told
    assert f"{kept(chapter).symbols['printf']:016x} printf+0x0" in told


@pytest.mark.only("07-interrupts", "08-heap", "09-scheduling")
@pytest.mark.xdist_group("injection")
def test_stack_that_is_elsewhere_is_reported(chapter, kept):
    def break_it(victim):
        victim.flip(victim.register("rsp"), NEXT_FRAME)

    told = told_of(kept(chapter), break_it)
    assert re.match(r"\n#\w\w ", told), told


@pytest.mark.only("09-scheduling")
@pytest.mark.xdist_group("injection")
@pytest.mark.parametrize("bits", [PRESENT, RESERVED])
def test_broken_page_of_the_tss_is_reported(chapter, bits, kept):
    """When an NMI has to find its stack there."""

    def break_it(victim):
        victim.flip(victim.symbols["tss"], bits)
        victim.nmi()

    victim = kept(chapter)
    told = told_of(victim, break_it)
    assert re.match(rf"{PAGE_FAULT}read in supervisor mode, ", told), told
    place = int(re.search(r"\ncr2 (\w+)", told)[1], 16)
    assert 36 <= place - victim.symbols["tss"] < 36 + 7 * 8  # the IST


@pytest.mark.only("09-scheduling")
@pytest.mark.xdist_group("injection")
def test_title_is_told_also_without_threads(chapter, kept):
    victim = kept(chapter)
    place = victim.symbols["thread_current"]
    told = told_of(victim, lambda _: victim.flip(place, PRESENT))
    short = rf"\n#PF page fault at {place:016x}, while reporting\nhalted\n"
    assert re.fullmatch(rf"\n#PF page fault, vector 14{short}", told), told


# What no kernel can tell: the CPU finds no handler, or none that it can begin. Or
# the handler has nothing to speak with, or cannot count how often it has begun.


def reset_of(chapter, place, break_it):
    with Victim(chapter) as victim:
        victim.run_to(place)
        break_it(victim)
        outcome = victim.outcome()
        victim.end()
        return Outcome(outcome.kind, victim.exceptions()[-1])


@pytest.mark.only("04-returning", "05-paging")
def test_before_chapter_06_a_handler_needs_the_stack(chapter):
    def break_it(victim):
        victim.set_frame("rsp", NOT_CANONICAL)

    found = reset_of(chapter, "exception_dispatch", break_it)
    assert found == Outcome("reset", "Triple fault")


@pytest.mark.only("09-scheduling")
def test_without_the_gate_of_double_faults_the_stack_is_needed(chapter):
    def break_it(victim):
        zero(victim, 8)
        victim.set_register("rsp", 0)

    assert reset_of(chapter, "isr_32", break_it) == Outcome("reset", "Triple fault")


@pytest.mark.only("09-scheduling")
def test_idt_itself_is_needed(chapter):
    def break_it(victim):
        victim.flip(victim.gate(0), PRESENT)

    found = reset_of(chapter, "monitor_run", break_it)
    assert found == Outcome("reset", "Triple fault")


@pytest.mark.only("09-scheduling")
def test_without_the_tss_the_stack_is_needed(chapter):
    def break_it(victim):
        victim.flip(victim.symbols["tss"], PRESENT)
        victim.set_register("rsp", 0)

    found = reset_of(chapter, "monitor_run", break_it)
    assert found == Outcome("reset", "Triple fault")


def code_segment_absent(victim):
    """As each gate names it, no handler can begin."""
    place = victim.symbols["gdt"] + 8 + 5
    [rights] = victim.stub.read_memory(place, 1)
    victim.stub.write_memory(place, bytes([rights & ~0x80]))


def gdt_absent(victim):
    victim.flip(victim.symbols["gdt"], PRESENT)


@pytest.mark.only("09-scheduling")
@pytest.mark.parametrize("break_it", [code_segment_absent, gdt_absent])
def test_gdt_is_needed(chapter, break_it):
    found = reset_of(chapter, "monitor_run", break_it)
    assert found == Outcome("reset", "Triple fault")


@pytest.mark.only("09-scheduling")
@pytest.mark.xdist_group("injection")
@pytest.mark.parametrize(
    "name, bits, told", [("printf", PRESENT, ""), ("row", WRITABLE, "\n")]
)
def test_what_speaks_is_needed(chapter, name, bits, told, kept):
    """Its code, and where on the screen it stands. That changes with each character,
    so the second report gets no further than the first, and the third is none."""

    def break_it(victim):
        victim.flip(victim.symbols[name], bits)
        victim.set_register("rip", 0)

    assert told_of(kept(chapter), break_it) == told


def goes_round(victim, place, bits):
    """Does it come from double fault to double fault once a page is broken? From the
    second on each is like the one before, and so there is no end."""
    victim.run_to("isr_32")
    victim.told = len(victim.serial)
    victim.flip(victim.symbols[place], bits)
    victim.set_register("rip", 0)
    seen = []
    for _ in range(3):
        victim.run_to("isr_8")
        frame = victim.stub.read_memory(victim.register("rsp"), 6 * 8)
        seen.append((victim.stub.ask("g"), frame))
        victim.stub.step()
    return seen[0] != seen[1] == seen[2] and not victim.serial[victim.told :]


@pytest.mark.only("09-scheduling")
def test_stubs_are_needed(chapter):
    """The fetch of a handler's first instruction is a page fault, which begins that
    handler. When the stack is full the double fault begins one on its own stack, until
    that is full, too. Nothing is ever executed."""
    with Victim(chapter) as victim:
        assert goes_round(victim, "isr_14", PRESENT)
        victim.end()
        fetch, double = r"v=0e e=0010 i=0 cpl=0 pc=", r"v=08 e=0000 i=0 cpl=0 pc="
        stubs = [f"{victim.symbols[name]:x}" for name in ("isr_14", "isr_8")]
        exceptions = victim.exceptions()
    began = max(i for i, e in enumerate(exceptions) if e.endswith("CR2=0" + 15 * "0"))
    for exception in exceptions[began + 1 :]:
        assert re.match(rf"({fetch}|{double})({'|'.join(stubs)})\b", exception)


@pytest.mark.only("09-scheduling")
def test_report_has_to_be_counted(chapter):
    """Else each report begins with a page fault, which begins a report."""
    with Victim(chapter) as victim:
        assert goes_round(victim, "depth.0", WRITABLE)

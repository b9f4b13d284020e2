"""test_04_returning.py: exceptions that are returned from, seen from outside.

What happens to the registers, tests/kernel/04-returning/ looks at.
"""

import re

import pytest

import elf
import images
from qemu import Ending, Machine, trim

HALTED = Ending("halted", None)
TRACED = 8  # instructions

NUMBER = "[0-9a-f]{16}"
DEMO = (
    rf"(breakpoint, before {NUMBER} add\+0x\w+\n){{2}}"
    r"1 \+ 2 \+ 3 = 6\n"
    rf"page fault at {NUMBER} kernel_main\+0x\w+\n"
    r"the page holds 42\n"
    r"probe 0000000000000000: nothing\n"
    rf"probe {NUMBER}: {NUMBER}\n"
    rf"probe {NUMBER}: nothing\n"
    r"probe 0000800000000000: nothing\n"
    r"the next instructions:\n"
    rf"(  {NUMBER} \w+\+0x\w+\n){{{TRACED}}}"
)


@pytest.mark.only("04-returning")
@pytest.mark.parametrize("uefi", [False, True], ids=["BIOS", "UEFI"])
def test_kernel_resumes_and_retries(chapter, uefi):
    image = images.hybrid(chapter) if uefi else images.image(chapter)
    with Machine(image, uefi=uefi) as machine:
        assert machine.run_to_end() == HALTED
        assert re.search(DEMO + r"\Z", machine.serial), machine.serial


@pytest.mark.only("04-returning")
def test_screen_shows_all_of_it(chapter):
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end() == HALTED
        assert trim(machine.screen()) == machine.serial.rstrip("\n")


@pytest.mark.only("04-returning")
def test_trace_is_the_way_the_cpu_went(chapter):
    """QEMU's log has a single-step trap at each of the places."""
    symbols = elf.symbols(images.kernel(chapter))
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end() == HALTED
        machine.end()
        told = re.findall(rf"^  ({NUMBER}) (\w+)\+0x(\w+)$", machine.serial, re.M)
        log = re.findall(r"v=01 .* pc=([0-9a-f]{16})", machine.log())
        assert [address for address, _, _ in told] == log[-TRACED:]
        for address, name, offset in told:
            assert int(address, 16) == symbols[name] + int(offset, 16)


@pytest.mark.since("04-returning")
def test_lretq_does_not_let_nmis_in_again(chapter):
    with Machine(images.other(chapter, "reports/04-returning/nmi.c")) as machine:
        for how, blocked in (("iretq", 2), ("lretq", 1)):
            machine.expect(f"{how}: send one")
            machine.nmi()
            machine.send("x")
            machine.expect(f"{how}: 1, send another")
            machine.nmi()
            machine.send("x")
            machine.expect(f"{how}: {blocked}, and after an iretq 2")

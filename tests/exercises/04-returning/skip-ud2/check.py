"""The kernel executes a ud2, once, and goes on to its end."""

import re


def lines_of(machine):
    ending = machine.run_to_end().kind
    assert ending == "halted", "the kernel comes to no end: is ud2 retried for ever?"
    return machine.serial.splitlines()


def check_ud2_is_executed_once(boot):
    with boot(seconds=10) as machine:
        lines_of(machine)
        machine.end()
        count = sum(e.startswith("v=06 ") for e in machine.exceptions())
    assert count > 0, "no #UD in QEMU's log: the kernel has executed no ud2"
    assert count == 1, f"there were {count} of #UD, not one"


def check_ud2_comes_first(boot):
    with boot(seconds=10) as machine:
        lines_of(machine)
        machine.end()
        found = [e[2:4] for e in machine.exceptions() if e.startswith("v=")]
    assert found[:1] == ["06"], "the first exception in QEMU's log is not #UD"


def check_everything_else_is_as_before(boot):
    with boot(seconds=10) as machine:
        lines = lines_of(machine)
    text = "\n".join(lines)
    assert ", vector " not in text, f"an exception was reported:\n{text}"
    for line in ("1 + 2 + 3 = 6", "the page holds 42", "the next instructions:"):
        assert line in lines, f"the line {line!r} is missing"
    steps = [i for i in lines if re.match(r"  [0-9a-f]{16} \w", i)]
    assert len(steps) == 8, f"{len(steps)} instructions are traced, not 8"

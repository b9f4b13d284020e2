"""told.py: registers, as a report of the kernel tells them and as QEMU's log does."""

import re

NUMBER = "[0-9a-f]{16}"
ROW = " ".join([rf"r\w+ +{NUMBER} "] * 2) + rf" r\w+ +{NUMBER}\n"


def registers(report):
    """The registers in a report."""
    found = re.findall(rf"\b(r\w+|cr2) +({NUMBER})", report)
    return {name: int(value, 16) for name, value in found}


def logged(machine, vector):
    """The registers in QEMU's log when the exception was last raised."""
    entry = machine.log().split(f": v={vector:02x} ")[-1]
    entry = re.split(r"^ *\d+: v=", entry, 1, re.M)[0]
    found = re.findall(r"\b(R\w\w?|CR2) *=([0-9a-f]{16})", entry)
    values = {name.lower(): int(value, 16) for name, value in found}
    values["rflags"] = int(re.search(r"RFL=(\w+)", entry)[1], 16)
    return values

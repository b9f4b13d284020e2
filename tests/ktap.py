"""ktap.py: read what test kernels report (tests/kernel/ktap.c)."""

import re

import qemu

TEST = re.compile(r"^TEST\((\w+)\)", re.M)
RESULT = re.compile(r"(not )?ok \d+ (\w+)")
IDLE = 8  # seconds; a test may halt for long before it says whether it passes
VALUE = re.compile(r"^# value (\S+) (\d+) (\S+)$", re.M)


def tests_in(source):
    """The names of the tests in a file of tests."""
    return TEST.findall(source)


def values(serial):
    """What a kernel reported by ktap_value: (name, value, unit)."""
    return [(name, int(n), unit) for name, n, unit in VALUE.findall(serial)]


class Report:
    """The results of one test kernel: what it said and how it ended."""

    def __init__(self, serial, ending):
        self.serial = serial
        self.ending = ending
        self.results = {}  # test: did it pass?
        self.notes = {}  # test: what it said about itself
        self._read()

    def _read(self):
        notes = []
        for line in self.serial.splitlines():
            result = RESULT.fullmatch(line)
            if result:
                self.results[result[2]] = not result[1]
                self.notes[result[2]] = notes
                notes = []
            elif line.startswith("#"):
                notes.append(line)

    def complaint(self, expected):
        """What is wrong with the run as a whole, or None. EXPECTED: the tests."""
        lines = self.serial.splitlines()
        if self.ending.kind != "exit":
            return f"the kernel did not come to its end: {self.ending.kind}"
        if "KTAP version 1" not in lines:
            return "the kernel printed no KTAP header"
        if f"1..{len(expected)}" not in lines:
            return f"the plan is not the 1..{len(expected)} of the source"
        if sorted(self.results) != sorted(expected):
            return "the tests that ran are not those of the source"
        status = qemu.PASS if all(self.results.values()) else qemu.FAIL
        if self.ending.status != status:
            return f"exit status {self.ending.status}, not {status}"
        return None


def run(iso, *flags, seconds=30, **options):
    """Boot a test kernel; its Report, and all there is to know if it fails."""
    with qemu.Machine(
        iso, *qemu.DEBUG_EXIT, *flags, seconds=seconds, **options
    ) as machine:
        ending = machine.run_to_end(idle=IDLE)
        return Report(machine.serial, ending), machine.report("the test kernel")

#!/usr/bin/env python3
"""soak.py: the last chapter's kernel under load, for a long time.

    soak.py [--seconds 600] [--seed N]

tests/soak/load.c is the load. It checks itself, and reports once a second. Here keys
are pressed, bytes sent and NMIs raised at moments that SEED decides, and it is watched
that nothing of it is lost. The exit status is 0 if all went well.
"""

import argparse
import collections
import random
import re
import sys
import time

import chapters
import qemu

SOURCE = "soak/load"
PATIENCE = 60  # seconds without a report, or without a round, that are too many
SUM, ALL_ONES = 31, (1 << 64) - 1  # load.c: hear
LAST_WORDS = 5  # seconds of silence after a report has begun
END = "Q"
UNHEARD = 8  # keys that may be on their way: the keyboard holds 16 codes

LETTERS, DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
NMI = re.compile(r"\nNMI, [^\n]*, before [^\n]*\n")
REPORT = re.compile(r"^soak (\d+): ([^;\n]*);$", re.M)
FIELD = re.compile(r"(\w+) (\d+)(?: (\d+))?")

# Seconds from one of them to the next, at most.
PAUSES = {"key": 0.5, "bytes": 0.3, "nmi": 0.4}


class SoakError(Exception):
    """The kernel has not done what it should."""


class GivenUp(SoakError):
    """The kernel has, and may not have told why yet."""


class Typed:
    """What has been typed in one way, and the sum that the kernel makes of it."""

    def __init__(self, name):
        self.name = name
        self.sums = [0]  # after so many characters
        self.heard = 0

    def add(self, text):
        for letter in text:
            self.sums.append((self.sums[-1] * SUM + ord(letter)) & ALL_ONES)

    def sent(self):
        return len(self.sums) - 1

    def check(self, count, total):
        """The kernel says that it has heard so many, with this sum."""
        if not self.heard <= count <= self.sent() or self.sums[count] != total:
            raise SoakError(f"{self.name}: {count} of {self.sent()} heard, sum {total}")
        self.heard = count


class Soak:
    """One run: what has been done to the machine, and what it has said of it."""

    def __init__(self, machine, seconds, seed):
        self.machine = machine
        self.random = random.Random(seed)
        self.typed = {name: Typed(name) for name in ("keys", "bytes")}
        self.nmis = self.nmis_seen = self.looked_at = 0
        self.reports = []  # of each, its fields
        self.start = self.last_report = self.last_round = time.monotonic()
        self.end = self.start + seconds
        self.due = dict.fromkeys(PAUSES, self.start)

    # What is done to the machine

    def key(self):
        keys = self.typed["keys"]
        if keys.sent() - keys.heard < UNHEARD:
            digit = self.random.choice(DIGITS)
            keys.add(digit)
            self.machine.keys(digit)

    def bytes(self):
        text = "".join(self.random.choices(LETTERS, k=self.random.randint(1, 8)))
        self.typed["bytes"].add(text)
        self.machine.send(text)

    def nmi(self):
        """The next one not before the last has been heard: two may become one."""
        if self.nmis == self.nmis_seen:
            self.nmis += 1
            self.machine.nmi()

    def disturb(self, now):
        for name, pause in PAUSES.items():
            if now >= self.due[name]:
                getattr(self, name)()
                self.due[name] = now + self.random.uniform(0, pause)

    # What it says

    def take(self, number, text, now):
        """A report has come. The last one of all is number 0."""
        if number not in (len(self.reports) + 1, 0):
            raise SoakError(f"report {number} comes after {len(self.reports)}")
        fields = {}
        for name, value, total in FIELD.findall(text):
            fields[name] = int(value)
            if total:
                self.typed[name].check(int(value), int(total))
        before = self.reports[-1] if self.reports else collections.Counter()
        self.compare(before, fields)
        if fields["rounds"] > before["rounds"]:
            self.last_round = now
        self.last_report = now
        self.reports.append(fields)

    def compare(self, before, fields):
        """Frames stay as many as they were, once that is known; the rest grows."""
        for name, value in fields.items():
            fixed = name == "frames" and before[name] > 0
            if value < before[name] or fixed and value > before[name]:
                raise SoakError(f"{name}: {value} after {before[name]}")

    def listen(self, now):
        """Look at what has been said; SoakError if something is wrong, or missing."""
        if len(self.machine.serial) > self.looked_at:
            self.read(self.machine.serial, now)
        if now - self.last_report > PATIENCE:
            raise SoakError(f"no report for {PATIENCE} s")
        if now - self.last_round > PATIENCE:
            raise SoakError(f"no round has ended for {PATIENCE} s")

    def read(self, said, now):
        self.looked_at = len(said)
        said, self.nmis_seen = NMI.subn("", said)
        if "panic at " in said or "\nhalted" in said or ", vector " in said:
            raise GivenUp("the kernel has given up")
        for number, text in REPORT.findall(said)[len(self.reports) :]:
            self.take(int(number), text, now)

    def all_heard(self):
        typed = self.typed.values()
        return self.nmis == self.nmis_seen and all(t.heard == t.sent() for t in typed)

    def step(self):
        """Is the time over, and all that has been sent been heard?"""
        now = time.monotonic()
        self.listen(now)
        if now < self.end:
            self.disturb(now)
        elif now > self.end + PATIENCE:
            raise SoakError(f"after {PATIENCE} s it has not all been heard")
        return now >= self.end and self.all_heard()

    def run(self):
        ending = self.machine.run_to_end(until=self.step)
        if ending.kind != "prompt":
            raise SoakError(f"the load has come to an end: {ending.kind}")
        self.machine.send(END)
        ending = self.machine.run_to_end()
        self.listen(time.monotonic())
        if ending != qemu.Ending("exit", qemu.PASS):
            raise SoakError(f"the kernel did not come to its end: {ending}")
        self.check_end()

    def check_end(self):
        """Each round has done the same, and so has the one that is not counted."""
        last = self.reports[-1]
        rounds = last["rounds"] + 1
        for name in "threads blocks items turns sleeps faults".split():
            if last[name] == 0 or last[name] % rounds != 0:
                raise SoakError(f"{name}: {last[name]} in {rounds} rounds")
        if not self.all_heard():
            raise SoakError("in the end it has not all been heard")

    def summary(self):
        last = self.reports[-1] if self.reports else {}
        told = [f"{name} {value}" for name, value in last.items()]
        return f"{len(self.reports)} reports, {self.nmis} NMIs; {', '.join(told)}"


def soak(image, seconds, seed):
    """Run the kernel in IMAGE under load; the Soak. SoakError tells all that is
    known."""
    limit = seconds + 4 * PATIENCE
    with qemu.Machine(image, *qemu.DEBUG_EXIT, seconds=limit) as machine:
        machine.expect("which seed")
        machine.send(f"{seed}\n")
        machine.expect(f"^soak: seed {seed}$")  # from now on it counts what is typed
        run = Soak(machine, seconds, seed)
        try:
            run.run()
        except SoakError as error:
            if isinstance(error, GivenUp):
                machine.run_to_end(LAST_WORDS)
            what = f"{error}\n{run.summary()}"
            raise SoakError(machine.report(what)) from None
    return run


def image_of(chapter):
    goal = f"build/gcc-O2/tests/{SOURCE}.iso"
    return chapters.build(chapter, "gcc-O2", goal) / f"tests/{SOURCE}.iso"


def options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.randint(1, 999999))
    return parser.parse_args(arguments)


def main(arguments):
    chosen, chapter = options(arguments), chapters.names()[-1]
    print(f"{chapter}, {chosen.seconds:.0f} s, seed {chosen.seed}", flush=True)
    try:
        print(soak(image_of(chapter), chosen.seconds, chosen.seed).summary())
    except (SoakError, qemu.MachineError, chapters.BuildError) as error:
        sys.exit(f"seed {chosen.seed}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])

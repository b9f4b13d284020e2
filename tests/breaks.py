"""breaks.py: chapters with one thing done wrong on purpose.

    breaks.py CHAPTER NAME      build the broken chapter, boot it, say what happens

A break is tests/breaks/CHAPTER/NAME.patch: a unified diff against the chapter's
directory, below a header that says what is wrong and what must come of it:

    Break: The page tables map nothing, not even the code that loads CR3.
    Expect: reset
    Expect: log /v=0e/
    --- a/boot.asm
    +++ b/boot.asm

KINDs of expectation; a regular expression is searched, line by line, in

    build /regex/       what make says; the build fails
    serial /regex/      what the kernel sends through COM1
    screen /regex/      what the text screen shows at the end
    log /regex/         the exceptions in QEMU's log, and its "Triple fault"
    reset               nothing: the machine resets itself
    hang                nothing: the kernel goes on and on
    halt                nothing: the kernel halts the CPU, or waits for an interrupt
    not-ok TEST         nothing: this test fails in the kernel of Test:

"not" before serial, screen or log denies it. Further lines of the header:

    Test: 01-boot/entry.c           boot this test kernel, not the chapter's own
    Make: CC=clang OPT=-O0          what to tell make
    QEMU: -cpu qemu32               what to tell QEMU
"""

import re
import shlex
import sys

import chapters
import elf
import ktap
import patched
import qemu

SECONDS = 20
QUIET = 1  # second of work without news: then a kernel is said to hang
HEADER = re.compile(r"(Break|Expect|Test|Make|QEMU): (.*)")
EXPECTATION = re.compile(
    r"(?P<denied>not )?(?P<kind>build|serial|screen|log) /(?P<regex>.*)/"
    r"|(?P<ending>reset|hang|halt)"
    r"|not-ok (?P<test>\w+)"
)
ENDINGS = {
    "reset": "reset",
    "time": "hang",
    "halted": "halt",
    "idle": "halt",
    "exit": "exit",
}


WHOLE = {}  # the outcomes of whole chapters


class BreakError(Exception):
    """A break is not written as it should be, or not there."""


class Expectation:
    """One Expect line."""

    def __init__(self, text):
        self.text = text
        parts = EXPECTATION.fullmatch(text)
        if not parts:
            raise BreakError(f"cannot understand: Expect: {text}")
        self.denied = bool(parts["denied"])
        self.kind = parts["kind"]
        self.regex = parts["regex"]
        self.ending = parts["ending"]
        self.test = parts["test"]

    def holds(self, outcome):
        """Is it what came of it?"""
        if self.ending:
            return outcome.ending == self.ending
        if self.test:
            return outcome.results.get(self.test) is False
        found = re.search(self.regex, getattr(outcome, self.kind), re.M)
        return bool(found) != self.denied


class Break:
    """A patch with its header."""

    def __init__(self, path):
        self.path = path
        self.chapter = path.parent.name
        self.name = path.stem
        fields = {"Break": [], "Expect": [], "Test": [], "Make": [], "QEMU": []}
        for line in path.read_text().split("\n--- ")[0].splitlines():
            field = HEADER.fullmatch(line)
            if not field:
                raise BreakError(f"{path}: no such header line: {line}")
            fields[field[1]].append(field[2])
        if len(fields["Break"]) != 1 or not fields["Expect"]:
            raise BreakError(f"{path}: needs one Break: and at least one Expect:")
        self.sentence = fields["Break"][0]
        self.expectations = [Expectation(text) for text in fields["Expect"]]
        self.test = "".join(fields["Test"])
        self.make = dict(word.split("=", 1) for word in words(fields["Make"]))
        self.flags = words(fields["QEMU"])

    def unmet(self, outcome):
        """The expectations that did not come true."""
        return [e.text for e in self.expectations if not e.holds(outcome)]

    def image(self):
        """The image to boot, in the build directory."""
        return f"tests/kernel/{self.test[:-2]}.iso" if self.test else "kernel.iso"


class Outcome:
    """What came of building and booting a chapter."""

    def __init__(self):
        self.build = self.serial = self.screen = self.log = ""
        self.ending = None
        self.waits = False  # a kernel that has come to rest: for an interrupt?
        self.results = {}  # of a test kernel: did the test pass?


def words(lines):
    return [word for line in lines for word in shlex.split(line)]


def names(chapter):
    """The names of the breaks of a chapter."""
    directory = chapters.ROOT / "tests/breaks" / chapter
    return sorted(path.stem for path in directory.glob("*.patch"))


def find(chapter, name):
    """The break called NAME; BreakError lists those there are."""
    if name not in names(chapter):
        known = ", ".join(names(chapter)) or "none"
        asked = f"no break {name}" if name else "say which break: BREAK=name"
        raise BreakError(f"{asked}; {chapter} has: {known}")
    return Break(chapters.ROOT / "tests/breaks" / chapter / f"{name}.patch")


def try_out(broken, make, image):
    """Build with MAKE(goal, variables), boot IMAGE; the Outcome."""
    outcome = Outcome()
    try:
        make(f"$(BUILD)/{broken.image()}", **broken.make)
    except chapters.BuildError as error:
        outcome.build = str(error) or "make failed"
        outcome.ending = "build"
        return outcome
    flags = [*qemu.DEBUG_EXIT, *broken.flags]
    with qemu.Machine(image, *flags, seconds=SECONDS) as machine:
        ending = machine.run_to_end(QUIET)
        outcome.ending = ENDINGS[ending.kind]
        outcome.waits = ending.kind == "idle"
        if machine.process.poll() is None:
            machine.deadline += 5
            outcome.screen = qemu.trim(machine.screen())
        machine.end()
        outcome.serial = machine.serial
        outcome.log = "\n".join(machine.exceptions())
    outcome.results = ktap.Report(outcome.serial, ending).results
    return outcome


def try_break(broken, environment=None):
    """What comes of a break, and its Copy."""
    copy = patched.Copy(broken.chapter, broken.path.resolve(), f"breaks/{broken.name}")

    def make(*goals, **variables):
        copy.make(*goals, environment=environment, **variables)

    return try_out(broken, make, copy.product(broken.image())), copy


def try_whole(broken):
    """What comes of the same with the chapter as it is; most breaks share it."""
    same = (broken.chapter, broken.image(), *broken.make.items(), *broken.flags)
    if same not in WHOLE:
        WHOLE[same] = boot_whole(broken)
    return WHOLE[same]


def boot_whole(broken):
    build = f"build/whole-{broken.name}" if broken.make else "build/gcc-O2"

    def make(goal, **variables):
        goal = goal.replace("$(BUILD)", build)
        chapters.make(broken.chapter, goal, BUILD=build, **variables)

    directory = chapters.directory(broken.chapter) / build
    return try_out(broken, make, directory / broken.image())


# The command line: `make break BREAK=NAME`


def indented(text):
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


def located(exceptions, kernel):
    """The lines of the log, each with the source line it happened in."""
    for line in exceptions.splitlines():
        address = re.search(r"pc=(\w+)", line)
        if address and kernel.exists():
            place = elf.tool("addr2line", "-s", "-e", kernel, address[1]).strip()
            line = f"{line}  {place.split(' (')[0]}"
        yield line


def last(lines, number=4):
    """The last of LINES. A working kernel raises many on purpose."""
    lines = list(lines)
    return lines if len(lines) <= number else ["...", *lines[-number:]]


def endings(outcome):
    """A sentence on how it ended."""
    if outcome.waits:
        return "The CPU waits for an interrupt."
    return {
        "build": "The build failed.",
        "reset": "The machine reset itself.",
        "hang": "The machine still runs, but nothing happens any more.",
        "halt": "The kernel halted the CPU.",
        "exit": "The test kernel came to its end.",
    }[outcome.ending]


def tell(broken, outcome, kernel):
    """Print what came of it."""
    parts = [("make", outcome.build)]
    if outcome.screen.split() == outcome.serial.split():
        parts += [("Screen and COM1", outcome.serial)]
    else:
        parts += [("COM1", outcome.serial), ("Screen", outcome.screen)]
    parts += [("Exceptions", "\n".join(last(located(outcome.log, kernel))))]
    for title, text in parts:
        if text.strip():
            print(f"{title}:\n{indented(text)}")
    print(endings(outcome))


def main(chapter, name):
    try:
        broken = find(chapters.find(chapter), name)
        print(f"Break: {broken.sentence}", flush=True)
        outcome, copy = try_break(broken, patched.make_environment())
    except (BreakError, KeyError, patched.PatchError) as error:
        sys.exit(str(error.args[0]))
    tell(broken, outcome, copy.product(broken.image()).with_suffix(".elf"))
    unmet = broken.unmet(outcome)
    print("\n".join(f"Not as expected: {text}" for text in unmet) or "As expected.")
    return 1 if unmet else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: breaks.py CHAPTER NAME")
    sys.exit(main(*sys.argv[1:]))

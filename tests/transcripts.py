"""transcripts.py: run again what the book shows, and compare.

    transcripts.py [--refresh] [PAGE.md ...]

A transcript is a block in book/*.md (with ``` or more):

    ``` {.console run="01-boot" mask="at (0x[0-9a-f]+)"}
    $ make screen
    Trapframe
    ```

Lines after "$ " are run by bash in chapters/01-boot, in a copy of the
repository called ~/trapframe, where the chapter has been built. What bash, make
and the others print follows, standard error included.

After "$ make debug" lines can begin with "(gdb) ": they go to GDB, one at a
time. After "$ make run" lines can begin with "(qemu) ": they go to the monitor
of a QEMU in which the kernel has come to rest. Lines can also begin with
"kernel> ": they are typed at the kernel's prompt, on the other end of COM1, one at
a time. What the kernel answers follows, without the echo and the next prompt; and
after "$ make run" what it has said before the first prompt.

A mask is a regular expression, searched in each line: what its groups match may
differ (without a group, all that it matches). A line "..." stands for any
lines. A block that cannot be run says {.console .static reason="why"}.

With --refresh blocks that are no longer true are written anew. An output with
one line "..." keeps as many lines before and behind it as there were.
"""

import contextlib
import difflib
import fcntl
import functools
import hashlib
import json
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import chapters
import qemu

BOOK = chapters.ROOT / "book"
PLACE = chapters.ROOT / "build/transcripts"
CACHE = PLACE / "cache"
COPIED = ("Makefile", "setup", "chapters", "common", "tests")
IGNORED = ("build", "__pycache__")
SECONDS = 60  # for all of a block
FENCE = re.compile(r"(`{3,}|~{3,}) *(\{.*\}) *")
ATTRIBUTE = re.compile(r'([\w-]+)="((?:[^"\\]|\\.)*)"')
PROMPT = re.compile(r"(\$|\(gdb\)|\(qemu\)|kernel>) (.*)|(\(gdb\)|\(qemu\))")
KERNEL = qemu.PROMPT.rstrip()
SEPARATOR = "\x1e"  # printed between the outputs of two commands
TOOLS = ("bash", "gcc", "ld", "nasm", "gdb", "qemu-system-x86_64", "make")


class TranscriptError(Exception):
    """A block is not written as it should be, or cannot be run."""


# Reading


class Command:
    """What the reader types, and the output that the book shows for it."""

    def __init__(self, prompt, text):
        self.prompt = prompt
        self.text = text
        self.output = []


class Block:
    """A transcript in a page of the book."""

    def __init__(self, path, line, attributes, lines):
        self.path = path
        self.line = line  # of its fence, from 1
        self.lines = lines
        found = dict(ATTRIBUTE.findall(attributes))
        self.static = ".static" in classes(attributes)
        self.reason = found.get("reason")
        self.chapter = found.get("run")
        self.mask = found.get("mask", "").replace('\\"', '"')
        self.commands = []

    def where(self):
        return f"{self.path.parent.name}/{self.path.name}:{self.line}"

    def check(self):
        """Is it complete? Takes its commands apart. TranscriptError."""
        if self.static:
            if not self.reason:
                self.wrong('.static needs reason="why it cannot be run"')
            return
        if self.chapter not in chapters.names():
            self.wrong(f'needs run="CHAPTER", one of {", ".join(chapters.names())}')
        try:
            re.compile(self.mask)
        except re.error as error:
            self.wrong(f"the mask is no regular expression: {error}")
        self._take_apart()

    def _take_apart(self):
        self.commands = []
        for line in self.lines:
            prompt = PROMPT.fullmatch(line)
            if prompt:
                name, text = prompt[1] or prompt[3], prompt[2] or ""
                self.commands.append(Command(name, text))
            elif self.commands:
                self.commands[-1].output.append(line)
            else:
                self.wrong('the first line does not begin with "$ "')
        if not self.commands or self.commands[0].prompt != "$":
            self.wrong('the first line does not begin with "$ "')

    def wrong(self, what):
        raise TranscriptError(f"{self.where()}: {what}")

    def compared(self, outputs):
        """The block's lines with OUTPUTS (a list of lines for each command)."""
        lines = []
        for command, output in zip(self.commands, outputs):
            lines.append(f"{command.prompt} {command.text}".rstrip())
            lines += elided(command.output, output)
        return lines

    def matches(self, outputs):
        """Are OUTPUTS what the book shows, but for masks and dots?"""
        return all(
            self.same(command.output, output)
            for command, output in zip(self.commands, outputs)
        )

    def same(self, shown, real):
        pattern = "".join(
            r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n"
            for line in self.masked(shown)
        )
        text = "".join(f"{line}\n" for line in self.masked(real))
        return re.fullmatch(pattern, text) is not None

    def masked(self, lines):
        if not self.mask:
            return lines
        return [re.sub(self.mask, hide, line) for line in lines]


def elided(shown, real):
    """REAL, with one line "..." where SHOWN has one: as many lines as there are
    before and behind it are kept."""
    if shown.count("...") != 1 or len(real) < len(shown):
        return real
    before = shown.index("...")
    behind = len(shown) - before - 1
    return [*real[:before], "...", *real[len(real) - behind :]]


def hide(found):
    """The text FOUND with its groups, or all of it, replaced by a dot."""
    if not found.re.groups:
        return "·"
    text, place = "", found.start()
    for group in range(1, found.re.groups + 1):
        if found.start(group) >= place:
            text += found.string[place : found.start(group)] + "·"
            place = found.end(group)
    return text + found.string[place : found.end()]


def classes(attributes):
    """The classes in "{.console .static reason="..."}"."""
    return ATTRIBUTE.sub("", attributes).strip("{}").split()


def blocks(path):
    """The transcripts of a page."""
    lines = path.read_text().split("\n")
    number = 0
    while number < len(lines):
        fence = FENCE.fullmatch(lines[number])
        number += 1
        if not fence:
            continue
        start = number
        while number < len(lines) and lines[number].strip() != fence[1]:
            number += 1
        if ".console" in classes(fence[2]):
            yield Block(path, start, fence[2], lines[start:number])
        number += 1


def pages():
    return sorted(BOOK.glob("*.md"))


# Running


def synchronize(source, target):
    """Make TARGET a copy of SOURCE, but for products; keep what is the same."""
    if source.is_file():
        if not target.exists() or source.read_bytes() != target.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        return
    names = {path.name for path in source.iterdir() if path.name not in IGNORED}
    if target.exists():
        for old in target.iterdir():
            if old.name not in names and old.name not in IGNORED:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
    for name in names:
        synchronize(source / name, target / name)


class Workplace:
    """The reader's home directory, with a copy of the repository in it."""

    def __init__(self, chapter):
        self.chapter = chapter
        self.home = PLACE / chapter
        self.root = self.home / "trapframe"
        self.directory = self.root / "chapters" / chapter

    @contextlib.contextmanager
    def opened(self):
        """Nobody else works here meanwhile."""
        self.home.mkdir(parents=True, exist_ok=True)
        with open(self.home / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self

    def prepare(self):
        """Bring the copy up to date and build the chapter."""
        for name in COPIED:
            synchronize(chapters.ROOT / name, self.root / name)
        done = self.start("make -s", stdout=subprocess.PIPE)
        output = done.communicate(timeout=SECONDS)[0]
        if done.returncode != 0:
            raise TranscriptError(f"{self.chapter} does not build:\n{output.decode()}")

    def environment(self):
        """What a reader at a plain terminal of 80 columns has."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LC_ALL": "C",
            "PYTHONUTF8": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TERM": "dumb",
            "COLUMNS": "80",
        }

    def start(self, script, **options):
        """Start bash with SCRIPT in the chapter's directory."""
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-c", script],
            cwd=self.directory,
            env=self.environment(),
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **{"stdin": subprocess.DEVNULL, **options},
        )

    def cleaned(self, text):
        """TEXT as lines, without what only this machine has."""
        text = text.replace(str(self.root), "~/trapframe").replace("\r", "")
        lines = [line.rstrip() for line in text.split("\n")]
        while lines and not lines[-1]:
            lines.pop()
        return lines


def end(process):
    """End a process and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()


def run_bash(place, commands):
    """The outputs of commands that one bash runs, one after the other."""
    script = f"printf '{SEPARATOR}'\n".join(f"{c.text}\n" for c in commands)
    process = place.start(script, stdout=subprocess.PIPE)
    try:
        output = process.communicate(timeout=SECONDS)[0]
    except subprocess.TimeoutExpired:
        texts = "; ".join(command.text for command in commands)
        raise TranscriptError(f"no end after {SECONDS} s: {texts}") from None
    finally:
        end(process)
    texts = output.decode(errors="replace").split(SEPARATOR)
    return [place.cleaned(text) for text in texts]


class Gdb:
    """A GDB that `make debug` has started: one command in, its output out."""

    def __init__(self, place, script):
        self.place = place
        self.master, terminal = pty.openpty()
        self.process = place.start(script, stdin=subprocess.PIPE, stdout=terminal)
        os.close(terminal)
        self.deadline = time.monotonic() + SECONDS

    def answer(self):
        """What is printed before the next prompt, or before the end."""
        text = ""
        while not re.search(r"^\(gdb\) $", text, re.M):
            left = self.deadline - time.monotonic()
            if left < 0 or not select.select([self.master], [], [], left)[0]:
                raise TranscriptError(f"GDB has no answer after {SECONDS} s:\n{text}")
            try:
                text += os.read(self.master, 4096).decode().replace("\r", "")
            except OSError:  # the other end is closed
                break
        return self.place.cleaned(text.removesuffix("(gdb) "))

    def ask(self, command):
        self.process.stdin.write(f"{command}\n".encode())
        self.process.stdin.flush()
        return self.answer()

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            end(self.process)
        os.close(self.master)


def run_gdb(place, commands):
    """The outputs of `make debug` and of the GDB commands that follow."""
    gdb = Gdb(place, commands[0].text)
    try:
        first = gdb.answer()
        return [first, *(gdb.ask(command.text) for command in commands[1:])]
    except BrokenPipeError:
        raise TranscriptError("GDB ended before its last command") from None
    except TranscriptError:
        end(gdb.process)
        raise
    finally:
        gdb.end()


def run_machine(place, commands):
    """What comes of `make run`, of commands at the kernel's prompt, and of those in
    QEMU's monitor. If there are only these, the kernel is not listened to."""
    words = shlex.split(commands[0].text)
    settings = dict(word.split("=", 1) for word in words if "=" in word)
    if "make" not in words or "run" not in words:
        prompt = commands[1].prompt
        raise TranscriptError(f'"{prompt} " does not follow "$ make run"')
    flags = shlex.split(settings.get("QEMUFLAGS", ""))
    image = place.directory / "build/kernel.iso"
    with qemu.Machine(image, *flags, seconds=SECONDS) as machine:
        machine.run_to_end()
        asked = any(command.prompt == KERNEL for command in commands)
        outputs = [machine.serial.removesuffix(qemu.PROMPT) if asked else ""]
        for command in commands[1:]:
            ask = machine.ask if command.prompt == KERNEL else machine.hmp
            outputs.append(ask(command.text))
    return [place.cleaned(output) for output in outputs]


RUNNERS = {
    "$": run_bash,
    "(gdb)": run_gdb,
    "(qemu)": run_machine,
    KERNEL: run_machine,
}


def groups(commands):
    """COMMANDS in runs of one kind: (prompt, commands)."""
    found = []
    for number, command in enumerate(commands):
        following = [c.prompt for c in commands[number + 1 : number + 2]]
        if command.prompt != "$":
            found[-1][1].append(command)
        elif following and following[0] != "$":
            found.append((following[0], [command]))
        elif found and found[-1][0] == "$":
            found[-1][1].append(command)
        else:
            found.append(("$", [command]))
    return found


def run(block):
    """Run a block's commands; the lines each of them printed."""
    with Workplace(block.chapter).opened() as place:
        place.prepare()
        outputs = []
        for prompt, commands in groups(block.commands):
            try:
                outputs += RUNNERS[prompt](place, commands)
            except (TranscriptError, qemu.MachineError) as error:
                block.wrong(error.args[0])
    for line in sum(outputs, []):
        if PROMPT.fullmatch(line) or FENCE.match(line):
            block.wrong(f"the output contains a line like a prompt: {line}")
    return outputs


# Not running again what would come out the same


@functools.cache
def tool_versions():
    ask = "; ".join(f"{tool} --version" for tool in TOOLS)
    return subprocess.run(ask, shell=True, capture_output=True).stdout


@functools.cache
def ingredients(chapter):
    """A digest of all that can change what the commands print."""
    digest = hashlib.sha256(tool_versions())
    before = [name for name in chapters.names() if name < chapter][-1:]
    places = ["Makefile", "common", "tests/kernel"]
    places += [f"chapters/{name}" for name in (chapter, *before)]
    places += [f"tests/{kind}/{chapter}" for kind in ("breaks", "exercises")]
    files = [chapters.ROOT / "tests" / f"{name}.py" for name in tool_files()]
    for place in places:
        files += everything(chapters.ROOT / place)
    for path in sorted(files):
        digest.update(f"{path.relative_to(chapters.ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def tool_files():
    """The Python files in tests/ that are no tests."""
    names = (path.stem for path in (chapters.ROOT / "tests").glob("*.py"))
    return [name for name in names if not name.startswith("test_")]


def everything(path):
    """The files at and below PATH, without products."""
    if path.is_dir() and path.name not in IGNORED:
        return [file for below in path.iterdir() for file in everything(below)]
    return [path] if path.is_file() else []


def cache(block):
    """The file in which the outputs of a block are kept."""
    text = json.dumps([block.chapter, [(c.prompt, c.text) for c in block.commands]])
    digest = hashlib.sha256((text + ingredients(block.chapter)).encode())
    return CACHE / f"{digest.hexdigest()}.json"


def recall(block):
    with contextlib.suppress(FileNotFoundError):
        return json.loads(cache(block).read_text())
    return None


def remember(block, outputs):
    CACHE.mkdir(parents=True, exist_ok=True)
    cache(block).write_text(json.dumps(outputs))


# Comparing and refreshing


def difference(block):
    """None if the block is true, or how it differs."""
    block.check()
    if block.static:
        return None
    outputs = recall(block)
    if outputs is None:
        outputs = run(block)
    if block.matches(outputs):
        remember(block, outputs)
        return None
    real = block.compared(outputs)
    diff = difflib.unified_diff(block.lines, real, "the book", "the machine", n=2)
    return "\n".join(line.rstrip("\n") for line in diff)


def refreshed(block):
    """The block's lines as they are now; its own if those are true."""
    block.check()
    if block.static:
        return block.lines
    outputs = run(block)
    remember(block, outputs)
    return block.lines if block.matches(outputs) else block.compared(outputs)


def refresh(path):
    """Write the transcripts of a page anew where they are not true."""
    before = path.read_text()
    lines = before.split("\n")
    for block in reversed(list(blocks(path))):
        new = refreshed(block)
        if new != block.lines:
            print(f"{block.where()}: refreshed", flush=True)
            lines[block.line : block.line + len(block.lines)] = new
    if path.read_text() != before:
        raise TranscriptError(f"{path} was changed meanwhile; run this again")
    if "\n".join(lines) != before:
        path.write_text("\n".join(lines))


def check(path):
    """Print how the transcripts of a page differ; how many do."""
    wrong = 0
    for block in blocks(path):
        told = difference(block)
        if told:
            wrong += 1
            print(f"{block.where()}:\n{told}", flush=True)
    return wrong


def main(arguments):
    wanted = [Path(a).resolve() for a in arguments if a != "--refresh"] or pages()
    try:
        if "--refresh" in arguments:
            for path in wanted:
                refresh(path)
            return 0
        return 1 if sum(map(check, wanted)) else 0
    except TranscriptError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""test_07_interrupts.py: the prompt, and what wakes the kernel, seen from outside.

What its parts do with each key and each byte, tests/kernel/07-interrupts/ looks at.
"""

import bisect
import fcntl
import re
import termios
import time

import pytest

import chapters
import elf
import images
import test_01_boot
from qemu import PROMPT, Ending, Machine, trim
from test_02_vga import ROWS, rows
from test_06_double_faults import OVERFLOWED, REPORT
from told import NUMBER, logged, registers

CHAPTER = "07-interrupts"
HALTED, IDLE, ASKS = (Ending(kind, None) for kind in ("halted", "idle", "prompt"))
GENERAL = "rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15".split()
KEYS = 128  # that the queue holds
LINE = 64  # characters of a line
JUMP_HERE = b"\xeb\xfe"
BUSY = 10_000_000  # instructions in a tick, under ICOUNT, if it does not halt
ICOUNT = "-icount shift=0,sleep=off -rtc base=2020-01-01,clock=vm -seed 1".split()
SLOW = ["-icount", "shift=10,sleep=off"]  # an instruction takes a microsecond

TICKING = 30  # steps of a trace in which there is a tick

NO_KEYBOARD = ["-machine", "i8042=off"]
BOOT = (
    r"Trapframe, loaded by GRUB 2\.\S+\n"
    r"boot information: \d+ bytes at 0x\w+\n"
    r"screen: (VGA text, 80 x 25|none)\n"
    r"serial port: COM1, 115200 baud\n"
    r"demand-zero memory holds 0\n"
    r"keyboard: (PS/2|none)\n"
    rf"{PROMPT}"
)
UPTIME = r"(\d+\.\d{3}) s, (\d+) ticks\n"
TRACED = rf"  ({NUMBER}) (\w+)\+0x(\w+)$"
REGION = rf"{NUMBER}-{NUMBER} (---|r--|rw-|r-x) [A-Za-z0-9 -]+\n"
NMI = rf"\nNMI, unknown cause, before {NUMBER} (\w+)\+0x\w+\n"
UNKNOWN = ": no such command; try help\n"

# What comes of each fault, and how its title goes on.
FAULTS = {
    "divide": r"#DE divide error, vector 0\n",
    "invalid": r"#UD invalid opcode, vector 6\n",
    "null": r"#PF page fault, vector 14\nerror code 0x2: write .*\ncr2 0{16}: .*\n",
    "code": r"#PF page fault, vector 14\nerror code 0x3: write .*\n"
    rf"cr2 {NUMBER}: kernel code cannot be written\n",
    "data": r"#PF page fault, vector 14\nerror code 0x11: instruction fetch .*\n"
    rf"cr2 {NUMBER}: kernel data cannot be executed\n",
    "canonical": r"#GP general protection, vector 13\nerror code 0x0: no selector\n",
    "segment": r"#GP general protection, vector 13\nerror code 0xfff8: .*\n",
    "overflow": rf"#DF double fault, vector 8\ncr2 {NUMBER}: {OVERFLOWED}\n",
}


@pytest.fixture
def prompt(chapter):
    """The kernel, at its prompt."""
    with Machine(images.image(chapter), seconds=30) as machine:
        assert machine.run_to_prompt() == ASKS, machine.report("no prompt")
        yield machine


def uptime(machine):
    """Seconds and ticks, as the kernel tells them."""
    told = re.fullmatch(UPTIME, machine.ask("uptime"))
    return float(told[1]), int(told[2])


def counts(machine):
    """How often each device has been heard, by name."""
    told = machine.ask("irqs")
    return {name: int(n) for name, n in re.findall(r"^.{4}(\w+) +(\d+)$", told, re.M)}


def function_at(symbols, address):
    """The name of the last symbol that is not behind ADDRESS."""
    names = sorted(symbols, key=symbols.get)
    values = sorted(symbols.values())
    return names[bisect.bisect_right(values, address) - 1]


def press(machine, *names):
    """Press keys, each once the one before shows."""
    for name in names:
        told = len(machine.serial)
        keys = [{"type": "qcode", "data": key} for key in name.split("-")]
        machine.qmp("send-key", keys=keys, **{"hold-time": 10})
        if name not in SILENT:
            machine.expect(rf"\A(?s:.{{{told}}}.)")


def typed(machine, *names):
    """What a line has become that was typed on the keyboard: the kernel tells it,
    for there is no such command."""
    told = len(machine.serial)
    press(machine, *names, "ret")
    assert machine.run_to_prompt(told) == ASKS, machine.report("no prompt")
    answer = machine.serial[told:].removesuffix(PROMPT).split("\n", 1)[1]
    assert answer.endswith(UNKNOWN), answer
    return answer.removesuffix(UNKNOWN)


def send(machine, text):
    """Send TEXT to the serial port, and wait until it has got there."""
    machine.send(text)
    while fcntl.ioctl(machine.process.stdin, termios.FIONREAD, bytes(4)) != bytes(4):
        assert time.monotonic() < machine.deadline


# The way to the prompt


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("uefi", [False, True], ids=["BIOS", "UEFI"])
def test_kernel_comes_to_its_prompt(chapter, uefi):
    image = images.hybrid(chapter) if uefi else images.image(chapter)
    with Machine(image, uefi=uefi, seconds=120) as machine:
        assert machine.run_to_end() == IDLE
        found = re.search(rf"{BOOT}\Z", machine.serial)
        assert found, machine.serial
        assert (found[1] == "none") == uefi
        assert re.fullmatch(UPTIME, machine.ask("uptime"))
        assert re.search(r"^  1 keyboard +\d+$", machine.ask("irqs"), re.M)


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("name", test_01_boot.MACHINES)
def test_machines_have_timer_keyboard_and_port(chapter, name):
    flags = test_01_boot.MACHINES[name].split()
    with Machine(images.image(chapter), *flags) as machine:
        assert machine.run_to_end() == IDLE
        assert typed(machine, "o", "k") == "ok"
        seconds, ticks = uptime(machine)
        assert seconds > 0.5 and ticks > 50
        assert counts(machine)["spurious"] == 0


@pytest.mark.only(CHAPTER)
def test_what_came_before_the_kernel_is_dropped(chapter):
    """Keys that wait in the controller, and a byte that waits in the port."""
    symbols = elf.symbols(images.kernel(chapter))
    with Machine(images.image(chapter), gdb=True) as machine:
        stub = machine.gdb()
        stub.run_to(symbols["start"])
        machine.keys("a")
        send(machine, "b")
        stub.go_on()
        assert machine.run_to_prompt() == ASKS, machine.report("no prompt")
        assert re.fullmatch(UPTIME, machine.ask("uptime"))


@pytest.mark.only(CHAPTER)
def test_keyboard_may_be_missing(chapter):
    with Machine(images.image(chapter), *NO_KEYBOARD) as machine:
        assert machine.run_to_prompt() == ASKS, machine.report("no prompt")
        assert "\nkeyboard: none\n" in machine.serial
        assert counts(machine)["keyboard"] == 0


@pytest.mark.only(CHAPTER)
def test_serial_port_may_be_missing(chapter):
    with Machine(images.image(chapter), serial=False) as machine:
        machine.expect_screen(rf"^{PROMPT} *$")
        assert "serial port: none" in trim(machine.screen()).splitlines()
        machine.keys(*"uptime", "ret")
        machine.expect_screen(rf"^{PROMPT}uptime *\n\d+\.\d+ s, \d+ ticks *\n{PROMPT}")
        machine.keys(*"irqs", "ret")
        machine.expect_screen(rf"^  4 COM1 +0 *\n.*\n{PROMPT}")
        assert machine.run_to_end() == IDLE


@pytest.mark.only(CHAPTER)
def test_both_may_be_missing(chapter):
    """Then nobody can ask it anything, and it waits."""
    with Machine(images.image(chapter), *NO_KEYBOARD, serial=False) as machine:
        machine.expect_screen(rf"^keyboard: none *\n{PROMPT}")
        assert machine.run_to_end() == IDLE


# Time


@pytest.mark.only(CHAPTER)
def test_time_passes_while_the_cpu_halts(prompt):
    first, before = uptime(prompt), counts(prompt)
    assert prompt.run_to_end() == IDLE
    then, after = uptime(prompt), counts(prompt)
    for seconds, ticks in (first, then):
        assert abs(seconds * 100 - ticks) <= 1 + ticks / 1000
    assert then[0] > first[0] + 0.5 and then[1] > first[1] + 50
    assert after["timer"] > before["timer"] + 50
    assert first[1] <= before["timer"] <= then[1] <= after["timer"]
    assert after["COM1"] > before["COM1"]
    assert after["keyboard"] == before["keyboard"]
    assert after["spurious"] == 0


@pytest.mark.only(CHAPTER)
def test_waiting_is_halting(chapter):
    """Counted in instructions: of the millions that there could be in a tick, the
    CPU does a handful."""
    with Machine(images.image(chapter), *ICOUNT) as machine:
        assert machine.run_to_prompt() == ASKS, machine.report("no prompt")
        numbers = []
        for _ in range(2):
            assert machine.run_to_end() == IDLE
            numbers.append((machine.qmp("query-replay")["icount"], uptime(machine)[1]))
        (start, first), (end, then) = numbers
        assert then - first > 100
        assert end - start < (then - first) * BUSY / 1000


@pytest.mark.only(CHAPTER)
def test_each_press_and_each_release_is_an_interrupt(prompt):
    before = counts(prompt)
    assert typed(prompt, *"abcde") == "abcde"
    assert prompt.run_to_end() == IDLE
    after = counts(prompt)
    assert after["keyboard"] - before["keyboard"] == 2 * 6
    assert after["COM1"] - before["COM1"] <= 5  # those of "irqs"


# Commands


@pytest.mark.only(CHAPTER)
def test_help_lists_the_commands(prompt):
    """All of the table in the source; and each of them is one."""
    source = (chapters.directory(CHAPTER) / "monitor.c").read_text()
    table = re.search(r"commands\[\] = \{\n(.*?)\n\};", source, re.S)[1]
    told = prompt.ask("help")
    names = re.findall(r"^(\w+) ", told, re.M)
    assert names == re.findall(r'^    \{"(\w+)"', table, re.M)
    assert len(told.splitlines()) == len(names)
    for name in names:
        assert UNKNOWN not in prompt.ask(name)
    assert prompt.run_to_end() == IDLE


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("line", ["helpx", "hel", "Help", "a b", "-", "%s%n", "7"])
def test_other_commands_are_not_known(prompt, line):
    assert prompt.ask(line) == line.split()[0] + UNKNOWN


@pytest.mark.only(CHAPTER)
def test_blanks_do_not_matter(prompt):
    assert prompt.ask("") == prompt.ask("   ") == ""
    assert re.fullmatch(UPTIME, prompt.ask("   uptime   "))
    assert prompt.ask("  fault    nothing  ") == prompt.ask("fault")
    assert len(prompt.ask("  trace   3  ").splitlines()) == 3


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("size, mib", [("16M", 16), ("128M", 128), ("4G", 4096)])
def test_mem(chapter, size, mib):
    with Machine(images.image(chapter), "-m", size) as machine:
        told = machine.ask("mem")
    first = re.match(r"(\d+) of (\d+) frames are free\n", told)
    free, total = int(first[1]), int(first[2])
    assert mib * 256 * 7 / 8 < free < total < mib * 256
    assert re.fullmatch(rf"({REGION})+", told[first.end() :]), told
    main = elf.symbols(images.kernel(chapter))["kernel_main"]
    assert any(start <= main < end for start, end in areas(told, "r-x kernel code"))


def areas(told, what):
    """(start, end) of the areas that are said to be WHAT."""
    found = re.findall(rf"^({NUMBER})-({NUMBER}) {what}$", told, re.M)
    return [(int(first, 16), int(last, 16) + 1) for first, last in found]


@pytest.mark.only(CHAPTER)
def test_regs_tells_the_truth(prompt):
    """QEMU saw the same registers at the breakpoint."""
    told = prompt.ask("regs")
    assert re.fullmatch(REPORT.replace(r"code( [0-9a-f]{2}){15}\n", ""), told), told
    assert " IF " in told
    prompt.end()
    told, seen = registers(told), logged(prompt, 3)
    for name in [*GENERAL, "rsp"]:
        assert told[name] == seen[name], name
    assert told["rip"] == seen["rip"] + 1  # behind the int3
    symbols = elf.symbols(images.kernel(CHAPTER))
    assert function_at(symbols, told["rip"]) == "regs"


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("count", [1, 30, 999])
def test_trace_is_the_way_the_cpu_went(chapter, count):
    """QEMU's log has the same traps, and between them interrupts, for a line takes
    longer than a tick: they are not traced, and end no trace. (With many lines, the
    next prompt is between those that print it.)"""
    symbols = elf.symbols(images.kernel(chapter))
    with Machine(images.image(chapter), *SLOW) as machine:
        told = re.findall(TRACED, machine.ask(f"trace {count}"), re.M)
        ticks = uptime(machine)[1]
        assert machine.run_to_end() == IDLE
        assert uptime(machine)[1] > ticks
        machine.end()
        log = re.findall(r"v=(01|20) .* pc=([0-9a-f]{16})", machine.log())
    log = log[log.index(("01", told[0][0])) :]
    assert [address for address, _, _ in told] == [pc for v, pc in log if v == "01"]
    assert len(told) == count
    vectors = [vector for vector, _ in log[:TICKING]]
    assert "20" in vectors or count == 1
    for address, name, offset in told:
        assert int(address, 16) == symbols[name] + int(offset, 16)


# With 64 bits only, the last two would be 1 and 5.
NO_NUMBERS = ["", "0", "-1", "x", "5x", "5 5", "0x5", "9" * 50]
NO_NUMBERS += [str((1 << 64) + 1), str((1 << 64) + 5)]


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("number", NO_NUMBERS)
def test_trace_needs_a_number(prompt, number):
    assert prompt.ask(f"trace {number}") == "how many instructions?\n"


# Faults


@pytest.mark.only(CHAPTER)
def test_faults_are_listed(prompt):
    told = prompt.ask("fault")
    assert re.findall(r"^(\w+) +\w", told, re.M) == list(FAULTS)
    assert prompt.ask("fault nothing") == prompt.ask("fault nul") == told


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("name", FAULTS)
def test_fault(prompt, name):
    told = prompt.ask(f"fault {name}")
    report = rf"\n{FAULTS[name]}" + REPORT.replace("code(", "(code(", 1) + ")?"
    trace = re.match(report, told)
    assert trace, told
    functions = re.findall(r"^  \w+ (\w+)\+0x\w+(?:, \d+ times)?$", told, re.M)
    assert functions[0] == name
    assert functions[-4:] == ["fault", "monitor_run", "kernel_main", "start_64"]
    assert told.endswith("\nhalted\n")
    assert_halted_for_good(prompt)
    assert logged(prompt, int(re.search(r"vector (\d+)", told)[1]))["rip"] == (
        registers(told)["rip"]
    )


def assert_halted_for_good(machine):
    """The CPU halts with interrupts off: no key wakes it."""
    assert machine.run_to_end() == HALTED
    before = machine.serial, machine.screen()
    machine.keys("a", "ret")
    send(machine, "x")
    assert machine.run_to_end() == HALTED
    assert before == (machine.serial, machine.screen())
    machine.end()


@pytest.mark.only(CHAPTER)
def test_nmi_at_the_prompt_is_told(prompt):
    """And what was being typed goes on."""
    prompt.send("upt")
    prompt.expect(rf"{PROMPT}upt\Z")
    prompt.nmi()
    prompt.expect(NMI)
    told = len(prompt.serial)
    prompt.send("ime\n")
    assert prompt.run_to_prompt(told) == ASKS
    assert re.fullmatch(rf"ime\n{UPTIME}{PROMPT}", prompt.serial[told:])


# Keys

SHIFTED = dict(zip("`1234567890-=[]\\;',./", '~!@#$%^&*()_+{}|:"<>?'))
NAMES = {
    "`": "grave_accent", "-": "minus", "=": "equal", "[": "bracket_left",
    "]": "bracket_right", "\\": "backslash", ";": "semicolon", "'": "apostrophe",
    ",": "comma", ".": "dot", "/": "slash",
}  # fmt: skip
CHARACTERS = "1234567890-=qwertyuiop[]asdfghjkl;'`\\zxcvbnm,./"
KEYPAD = {
    "kp_7": "7", "kp_8": "8", "kp_9": "9", "kp_subtract": "-", "kp_4": "4",
    "kp_5": "5", "kp_6": "6", "kp_add": "+", "kp_1": "1", "kp_2": "2", "kp_3": "3",
    "kp_0": "0", "kp_decimal": ".", "kp_multiply": "*", "kp_divide": "/",
}  # fmt: skip

# Keys, and the line that they make. A word is typed key by key.
EDITS = {
    "backspace": ("abx <backspace> c", "abc"),
    "backspace-too-often": ("a <backspace> <backspace> b", "b"),
    "left": ("ac <left> b", "abc"),
    "left-too-often": ("b <left> <left> a", "ab"),
    "right": ("ad <left> b <right> e", "abde"),
    "right-too-often": ("a <right> b", "ab"),
    "home-end": ("bc <home> a <end> d", "abcd"),
    "ctrl-a-e": ("bc <ctrl-a> a <ctrl-e> d", "abcd"),
    "delete": ("abxc <left> <left> <delete>", "abc"),
    "delete-at-the-end": ("ab <delete> c", "abc"),
    "ctrl-u": ("xyz <ctrl-u> ab", "ab"),
    "ctrl-u-inside": ("xyab <left> <left> <ctrl-u>", "ab"),
    "ctrl-k": ("abxy <left> <left> <ctrl-k>", "ab"),
    "others": ("a <up> <down> <pgup> <pgdn> <insert> <f1> <alt> b", "ab"),
}
SEQUENCES = {
    "left": "\x1b[D", "right": "\x1b[C", "up": "\x1b[A", "down": "\x1b[B",
    "home": "\x1b[H", "end": "\x1bOF", "delete": "\x1b[3~", "insert": "\x1b[2~",
    "pgup": "\x1b[5~", "pgdn": "\x1b[6~", "f1": "\x1bOP", "alt": "",
    "backspace": "\x7f", "ctrl-a": "\x01", "ctrl-e": "\x05", "ctrl-u": "\x15",
    "ctrl-k": "\x0b",
}  # fmt: skip
SILENT = ("caps_lock", "tab")  # nothing is shown for them


def keys_for(text, shift=""):
    return [shift + NAMES.get(c, c) for c in text]


def upper(text):
    return "".join(SHIFTED.get(c, c.upper()) for c in text)


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("shift", ["shift", "shift_r"])
def test_every_character_can_be_typed(prompt, shift):
    assert typed(prompt, *keys_for(CHARACTERS)) == CHARACTERS
    assert typed(prompt, *keys_for(CHARACTERS, f"{shift}-")) == upper(CHARACTERS)
    assert typed(prompt, "a", "tab", "b") == "ab"


@pytest.mark.only(CHAPTER)
def test_caps_lock_is_for_letters(prompt):
    assert typed(prompt, "caps_lock", *"a1b", "shift-c", "shift-2") == "A1Bc@"
    assert typed(prompt, *"a1") == "A1"
    assert typed(prompt, "caps_lock", *"a1", "shift-b") == "a1B"


@pytest.mark.only(CHAPTER)
def test_caps_lock_that_is_held_does_not_switch_back(prompt):
    for down in (True, True, False):
        key = {"type": "qcode", "data": "caps_lock"}
        event = {"type": "key", "data": {"down": down, "key": key}}
        prompt.qmp("input-send-event", events=[event])
    assert typed(prompt, *"ab") == "AB"


@pytest.mark.only(CHAPTER)
def test_keypad(prompt):
    assert typed(prompt, *KEYPAD) == "".join(KEYPAD.values())
    told = len(prompt.serial)
    press(prompt, *"uptime", "kp_enter")
    assert prompt.run_to_prompt(told) == ASKS
    assert re.search(UPTIME, prompt.serial[told:])


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("name", EDITS)
def test_line_is_edited(prompt, name):
    """From the keyboard and from a terminal; the screen shows it as it becomes."""
    keys, line = EDITS[name]
    words = [w[1:-1] if w[0] == "<" else w for w in keys.split()]
    for word in words:
        prompt.keys(*([word] if word in SEQUENCES else word))
    prompt.expect_screen(rf"^{PROMPT}{line} *\n *\n")
    assert typed(prompt) == line
    assert prompt.ask("".join(SEQUENCES.get(w, w) for w in words)) == line + UNKNOWN


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("key", ["ctrl-c", "ctrl_r-c"])
def test_control_c_leaves_the_line(prompt, key):
    told = len(prompt.serial)
    press(prompt, *"fault", key)
    assert prompt.run_to_prompt(told) == ASKS
    assert prompt.serial[told:] == f"fault^C\n{PROMPT}"
    told = len(prompt.serial)
    send(prompt, "fault\x03uptime\n")
    prompt.expect(rf"uptime\n{UPTIME}{PROMPT}\Z")
    answer = prompt.serial[told:]
    assert re.fullmatch(rf"fault\^C\n{PROMPT}uptime\n{UPTIME}{PROMPT}", answer), answer


@pytest.mark.only(CHAPTER)
def test_long_line_ends_at_its_end(prompt):
    """Not a character more is taken, nor shown."""
    told = len(prompt.serial)
    assert prompt.ask("x" * (LINE + 30)) == "x" * LINE + UNKNOWN
    assert prompt.serial[told:].startswith("x" * LINE + "\n")


@pytest.mark.only(CHAPTER)
def test_screen_and_wire_show_the_same(prompt):
    for line in ("help", "mem", "nonsense", "fault", "irqs", "regs"):
        prompt.ask(line)
    typed(prompt, *"abc")
    assert trim(prompt.screen()) == trim(rows(prompt.serial)[-ROWS:])


@pytest.mark.only(CHAPTER)
def test_much_at_once_is_answered_in_order(prompt):
    """As much as the queue holds, however long the answers take."""
    lines = [f"trace {n}" for n in range(10, 24)]
    assert len("\n".join(lines)) < KEYS
    told = len(prompt.serial)
    prompt.send("\n".join(lines) + "\n")
    prompt.expect(rf"^{PROMPT}{lines[-1]}\n(  .*\n){{23}}{PROMPT}\Z")
    parts = re.findall(rf"trace (\d+)\n((?:  .*\n)*){PROMPT}", prompt.serial[told:])
    assert [int(n) for n, _ in parts] == list(range(10, 24))
    assert [len(text.splitlines()) for _, text in parts] == list(range(10, 24))


@pytest.mark.only(CHAPTER)
def test_keys_that_came_too_fast_are_told(chapter):
    """The kernel is kept busy in a command, until all have come. Those that the
    queue had room for are answered, in order; of the others the number is told."""
    symbols = elf.symbols(images.kernel(chapter))
    sent = "".join(f"{n:03}\n" for n in range(100))
    with Machine(images.image(chapter), gdb=True, seconds=60) as machine:
        stub = machine.gdb()
        stub.go_on()
        assert machine.run_to_prompt() == ASKS, machine.report("no prompt")
        stub.stop()
        machine.send("mem\n")
        stub.run_to(symbols["regions_print"])
        code = stub.read_memory(symbols["regions_print"], len(JUMP_HERE))
        stub.write_memory(symbols["regions_print"], JUMP_HERE)
        stub.go_on()
        send(machine, sent)
        stub.stop()
        stub.write_memory(symbols["regions_print"], code)
        told = len(machine.serial)
        stub.go_on()
        assert machine.run_to_end() == IDLE
        answers = machine.serial[told:]
        assert answers.count(" frames are free\n") == 1
        lost = f"{len(sent) - KEYS} keys came too fast and are lost\n"
        assert f"kernel stack\n{lost}{PROMPT}000\n" in answers
        numbers = re.findall(rf"^{PROMPT}(\d+)\n\1{UNKNOWN}", answers, re.M)
        assert [int(n) for n in numbers] == list(range(KEYS // 4))
        assert answers.count("lost") == 1
        assert re.fullmatch(UPTIME, machine.ask("uptime"))

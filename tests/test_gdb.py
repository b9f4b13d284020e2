"""test_gdb.py: the commands that `make debug` adds to GDB (common/gdb/).

Each test is one session of GDB. What has to be looked at from within GDB is in
tests/gdb/checks.py; the mutations show that these checks can fail.
"""

import gzip
import json
import re
import shlex
import subprocess

import pytest

import chapters
import elf
import test_debug

CHECKS = chapters.ROOT / "tests/gdb"
BUILD = "build/gcc-O2"
END = "\x1e"


def environment():
    """No window, and nothing of the make that runs the tests."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY")
    clean = chapters.clean_environment()
    return {key: value for key, value in clean.items() if key not in hidden}


def session(chapter, *commands, toolchain="gcc-O2"):
    """What each of COMMANDS prints in one session of GDB."""
    chapters.build(chapter, toolchain, "all")
    first = f"python import sys; sys.path.insert(0, '{CHECKS}'); import checks"
    lines = [line for each in (first, *commands) for line in (each, f"echo {END}")]
    done = subprocess.run(
        ["make", "--no-print-directory", "-s", "debug", f"BUILD=build/{toolchain}"],
        cwd=chapters.directory(chapter),
        env=environment(),
        input="\n".join(lines) + "\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=90,
        text=True,
    )
    parts = done.stdout.split(END)[1:]
    assert len(parts) == len(commands) + 1, done.stdout
    return [part.replace("(gdb) ", "").strip() for part in parts[: len(commands)]]


def kernel(chapter):
    return chapters.directory(chapter) / BUILD / "kernel.elf"


def row(text, *cells):
    """Has TEXT a line with all these cells?"""
    return any(all(cell in line for cell in cells) for line in text.splitlines())


# Every chapter


@pytest.mark.since("01-boot")
def test_every_chapter(chapter):
    """32-bit mode, where there is not much to see, then kernel_main."""
    early = (
        "kernel", "gdt", "idt", "pt start", "regions", "trapframe", "backtrace",
        "threads", "thread-bt 0",
    )  # fmt: skip
    late = (
        "gdt", "pt kernel_main", "monitor gva2gpa $kernel_main", "pt 0",
        "pt 0x900000000000", "backtrace", f"{quiet_place(chapter)}checks.backwards(20)",
        "python import backwards; backwards.load = lambda name: None\n"
        "python checks.backwards(20)", "python checks.regions()",
    )  # fmt: skip
    address = hex(elf.symbols(kernel(chapter))["kernel_main"])
    late = [command.replace("$kernel_main", address) for command in late]
    run = "tbreak kernel_main\ncontinue"
    told = session(chapter, *early, run, *MISTAKES, *late)
    check_early(*told[: len(early)])
    check_late(*told[-len(late) :])
    check_mistakes(told[len(early) + 1 : -len(late)])


def quiet_place(chapter):
    """What leads to where no device is asked for anything: what it answers may
    depend on the time, and then other steps follow."""
    if chapter == "01-boot":
        return "python "
    return "python checks.control.run_to(checks.stub.number('boot_info_loader'));"


def check_early(overview, gdt, idt, pt, regions, frame, backtrace, *threads):
    names = "code screen idt gdt pt regions trapframe threads thread-bt"
    names += " mark fwd back tour record-steps kernel"
    assert re.findall(r"^  ([\w-]+)", overview, re.M) == names.split()
    assert row(gdt, "code,", "32-bit", "limit 0xffffffff", "cs"), gdt
    assert idt == "The CPU is not in long mode yet: its gates differ."
    assert pt == regions == "Paging is off: every address is physical."
    assert "needs an ADDRESS" in frame
    assert re.fullmatch(r"#0 +start \(\) at boot\.asm:\d+", backtrace), backtrace
    yet = "There are no threads yet: go on to memory_init, or further."
    assert set(threads) in ({"This kernel has no threads."}, {yet}), threads


def check_late(gdt, walk, truth, hole, gap, backtrace, moved, broken, regions):
    assert row(gdt, "code, 64-bit", "DPL 0", "cs"), gdt
    assert row(gdt, "data", "DPL 0", "read, write", "ss"), gdt
    physical = re.search(r"gpa: (0x\w+)", truth)[1]
    assert f"physical {physical}, in a page of " in walk
    assert re.search(r"^ring 0 may read, .*execute; ring 3 nothing$", walk, re.M)
    assert row(hole, "not present") and hole.endswith("Not mapped: a page fault (#PF).")
    assert gap.endswith("is not canonical: its bits 63 to 47 differ. #GP, no walk.")
    assert re.search(r"#0 +kernel_main .*\n#1 .* start_64 \(\) at boot", backtrace)
    assert "#2" not in backtrace
    assert moved == "right: back 20"
    assert not broken.startswith("right"), "back without load has not been noticed"
    assert re.fullmatch(r"right: [1-9]\d* regions", regions), regions


MISTAKES = (
    "idt 300", "idt x", "gdt 1", "pt", "pt nothing", "pt 1 +", "regions 1",
    "trapframe nothing",
    "trapframe 0", "threads 1", "thread-bt", "thread-bt 999", "thread-bt x",
    "back", "fwd", "mark 1", "tour 1 2", "tour 1", "tour 999", "code x",
    "record-steps", "record-steps /tmp/f", "record-steps /tmp/f --to main",
    "record-steps /tmp/f --from x", "record-steps /tmp/f --vector y",
    "python gdb.execute('mark', to_string=True)\nback 0", "fwd x", "back 1000",
)  # fmt: skip


def check_mistakes(told):
    """Each is told in one line, and without Python's trace of calls."""
    for command, text in zip(MISTAKES, told):
        assert text and "\n" not in text, f"{command}: {text}"
        assert not re.search("Python|Traceback|argument must", text), text


# What the numbers mean, tried with numbers of our own

WORDS = {
    "pt.rights(0x103, True)": "read, write, execute, supervisor, global",
    "pt.rights(0x65, True)": "read, execute, user, accessed, dirty",
    "pt.rights(0x65, False)": "read, execute, user, accessed",
    "pt.rights(1 << 63 | 0x1b, True)": "read, write, no execute, supervisor,"
    " write-through, uncached",
    "pt.rights(1 << 63 | 6, True)": "not present",
    "pt.effective([7, 7, 7, 7])": "ring 0 may read, write, execute; ring 3 too",
    "pt.effective([7, 3, 7, 7])": "ring 0 may read, write, execute; ring 3 nothing",
    "pt.effective([1 << 63 | 7, 7])": "ring 0 may read, write; ring 3 too",
    "pt.effective([7, 5])": "ring 0 may read, execute (and write, since CR0.WP is"
    " clear); ring 3 too",
    "pt.uses_reserved([1 << 63 | 7])": "True",
    "pt.uses_reserved([7])": "False",
    "flags.letters(0x3702)": "TF IF DF IOPL=3",
    "flags.letters(2)": "none set",
}
ENTRIES = {0x1000: 0x2007, 0x2008: 0xC0000087, 0x2010: 0x3005, 0x3008: 0x40200083}
TABLE = [0, 0x0020FA0000000000, 0x00008B1234560067, 0xFFFFFFFF, 0x0000F20000000000]


@pytest.mark.only("02-vga")
def test_decoding(chapter):
    """Entries and descriptors as the manuals draw them: large pages, too, and a
    GDT with a code segment for ring 3 and, in two entries, a TSS. Last, a triple
    fault."""
    registers = {"cr3": 0x1018, "cr0": 0x80010001, "cr4": 0x20, "efer": 0x500}
    large = f"pt.register = {registers}.get; pt.physical_word = {ENTRIES}.get"
    tables = (
        f"gdt.memory = lambda at, size: struct.pack('<5Q', *{TABLE});"
        "gdt.table_register = lambda n: machine.TableRegister(0x10, 0x5000, 39)"
    )
    told = session(
        chapter,
        "tbreak kernel_main\ncontinue\nmark\n"
        "python import pt, gdt, machine, struct, flags",
        *[f"python print({call})" for call in WORDS],
        f"python {large}\npt 0x40000123",
        "pt 0x80200123",
        f"python {tables}\ngdt",
        "set $rip = 8\ncontinue",
        "fwd",
    )
    assert dict(zip(WORDS, told[1:])) == WORDS
    check_large_pages(*told[-5:-3])
    check_descriptors(told[-3])
    assert "The machine has reset itself: a triple fault" in told[-2]
    assert told[-1].endswith("The machine has reset itself. Start it again."), told[-1]


def check_large_pages(gib, mib):
    assert "physical 0xc0000123, in a page of 1 GiB\nring 0 may read, write" in gib
    assert "ring 3 too" in gib
    assert "physical 0x40200123, in a page of 2 MiB\nring 0 may read, execute;" in mib


def check_descriptors(told):
    assert row(told, "0x8", "code, 64-bit", "DPL 3", "execute, read"), told
    place = "base 0xffffffff00123456, limit 0x67"
    assert row(told, "0x10", "TSS, busy", "DPL 0", place, "tr"), told
    assert row(told, "0x20", "data", "DPL 3", "read, write"), told
    assert "0x18" not in told


# Address spaces

# Of four tables. The second entry of the first forbids to write and to execute, the
# third allows ring 3 to do what it likes; the last page of all is in the last entry.
TABLES = {
    0x1000: {0: 0x2003, 1: 1 << 63 | 0x2001, 2: 0x2007, 511: 0x2003},
    0x2000: {0: 0x3007, 1: 0x40000087, 511: 0x3007},
    0x3000: {0: 0x4007, 1: 0x200085, 2: 0x400085, 511: 0x4007},
    0x4000: {0: 0x5005, 1: 0x6005, 2: 0x7007, 511: 0x8005},
}
REGIONS = """\
0x0000000000000000-0x0000000000001fff  8 KiB  read, execute  4 KiB
0x0000000000002000-0x0000000000002fff  4 KiB  read, write, execute  4 KiB
0x00000000001ff000-0x00000000001fffff  4 KiB  read, execute  4 KiB
0x0000000000200000-0x00000000005fffff  4 MiB  read, execute  2 MiB
0x0000000040000000-0x000000007fffffff  1 GiB  read, write, execute  1 GiB
0x0000008000000000-0x0000008000002fff  12 KiB  read  4 KiB
0x0000010000000000-0x0000010000001fff  8 KiB  read, execute, user  4 KiB
0xfffffffffffff000-0xffffffffffffffff  4 KiB  read, execute  4 KiB
CR0.WP is clear: ring 0 may write to every page."""


@pytest.mark.only("02-vga")
def test_regions_of_other_tables(chapter):
    """Rights are what all entries allow; pages are put together that are alike."""
    registers = {"cr3": 0x1018, "cr0": 0x80000001, "cr4": 0x20, "efer": 0xD00}
    fakes = (
        f"tables, values = {TABLES}, {registers}\n"
        "python regions.register = pt.register = values.get\n"
        "python regions.entries = lambda at: [tables[at].get(i, 0) for i in range(512)]"
    )
    _, told, reserved = session(
        chapter,
        f"tbreak kernel_main\ncontinue\npython import pt, regions\npython {fakes}",
        "regions",
        "python values['efer'] = 0x500\nregions",
    )
    lines = [re.sub("   +", "  ", line) for line in told.splitlines()]
    assert set(REGIONS.splitlines()) <= set(lines), told
    assert lines[0] == "CR3 0x1018"
    starts = [int(line.split("-")[0], 16) for line in lines[2:-1]]
    assert starts == sorted(set(starts))
    assert row(told, "0x0000008000000000", "12 KiB", " read ")
    assert row(reserved, "0x0000008000000000", "12 KiB", " nothing ")


HELD = {
    "kernel code": "read, execute", "kernel constants": "read",
    "kernel data": "read, write", "kernel stack guard": "nothing",
    "kernel stack": "read, write", "direct map": "read, write",
}  # fmt: skip


@pytest.mark.since("05-paging")
def test_regions_of_the_kernel(chapter):
    """By the kernel's own names, once it has tables of its own; and without the
    names those of its file's sections."""
    before, _, told, pages, mutant, nameless = session(
        chapter,
        "tbreak kernel_main\ncontinue\nregions",
        "tbreak memory_init\ncontinue\nfinish",
        "regions",
        "python checks.pages()",
        "python import regions; verbs = regions.pt.verbs\n"
        "python regions.pt.verbs = lambda way: verbs(way[:-1])\npython checks.pages()",
        "python regions.pt.verbs = verbs; regions.kernel_names = lambda: []\nregions",
    )
    assert row(before, "0x0000000000200000-0x00000000ffffffff", "4094 MiB", "2 MiB")
    for name, rights in HELD.items():
        assert re.search(rf"iB +{rights}  .* {name}$", told, re.M), f"{name}:\n{told}"
    assert not re.search(r"^0x0|write, execute", told, re.M), told
    assert re.fullmatch(r"right: \d\d+ pages", pages), pages
    assert mutant.startswith("wrong"), mutant
    assert re.search(r"read, execute +4 KiB +\.text$", nameless, re.M), nameless
    assert re.search(r"nothing +\.stack$", nameless, re.M), nameless


# Exceptions

SAVE = "python checks.control.save('begin')\n"
LOAD = "python checks.control.load('begin')\n"
WRITE = "python write = gdb.selected_inferior().write_memory\n"
STUB = "checks.stub.number('isr_common')"
IDT = "checks.stub.number(\"'idt.c'::idt\")"


@pytest.mark.since("03-exceptions")
def test_first_exception(chapter):
    """At the first instruction of its C code; then on the tour."""
    told = session(
        chapter,
        SAVE + "tbreak *isr_common\ncontinue\ntbreak exception_dispatch\ncontinue",
        "idt 14",
        "python from idt import *; base = idt()[0]; "
        "print([gate(vector, base).handler for vector in range(256)])",
        WRITE + f"python write({IDT} + 8 * 16 + 4, b'\\x03\\xef')\nidt 8",
        f"python write({IDT} + 7 * 16 + 5, b'\\x0e')\nidt",
        "trapframe",
        "print/x *(struct trap_frame *)$rdi",
        "backtrace",
        LOAD + "tour --all",
    )
    check_gates(elf.symbols(kernel(chapter)), *told[1:5])
    check_frame(*told[5:8])
    check_tour(told[8], returns=chapter != "03-exceptions")


def check_gates(symbols, one, handlers, other, gone):
    place = f"{symbols['isr_14']:#x} <isr_14>"
    assert row(one, "14 #PF", place, "0x8", "interrupt gate"), one
    assert handlers == str([symbols[f"isr_{vector}"] for vector in range(256)])
    assert re.search(r"8 #DF +0x\w+ <isr_8> +0x8 +3 +3 +trap gate", other), other
    assert re.search(r"^\d to 6", gone, re.M) and not re.search(r"^7", gone, re.M)


def check_frame(frame, truth, backtrace):
    fields = re.findall(r"(\w+) = (0x\w+)", truth)
    assert len(fields) == 22
    for name, value in fields:
        assert re.search(rf"^ +0x\w+ +{name} +{value}( |$)", frame, re.M), name
    assert re.search(r"^#0 .*exception_dispatch .*\n#1 .*isr_common \(v", backtrace)
    assert re.search(r"kernel_main .*\n#\d+ .* start_64 \(\)", backtrace), backtrace


def check_tour(tour, returns):
    """Every station, in order, and no complaint."""
    stations = re.findall(r"^\d+\. (.*)", tour, re.M)
    there = [
        "Before the exception", "What the CPU has pushed", "The general registers",
        "Before C", "The call", "In C",
    ]  # fmt: skip
    back = ["Back from C", "What iretq does not know", "The return", "Resumed"]
    assert re.fullmatch(r"The stub, isr_\d+", stations.pop(2))
    assert stations == there + (back if returns else [])
    assert tour.count(" push ") in (16, 17) and " cld" in tour
    assert ", a multiple of 16." in tour.replace("\n", " ")
    assert "wrong" not in tour
    if returns:
        assert tour.count(" pop ") == 15 and "rsp,0x10" in tour
        assert "are what they were" in tour.replace("\n", " ")


@pytest.mark.since("04-returning")
def test_unwinding_at_each_instruction(chapter):
    """Of functions that are interrupted, on their stack or with one of its own;
    and on the way through an exception."""
    _, interruptions, other_stack, crossing = session(
        chapter,
        "tbreak boot_info_loader\ncontinue",
        "python checks.interruptions(60)",
        "python checks.interruptions(10, stack=0x80000)",
        "python checks.crossing(None)",
    )
    assert interruptions == "right: 60 interruptions"
    assert other_stack == "right: 10 interruptions"
    assert re.fullmatch(r"right: 3[78] instructions of the stub, 20 of C", crossing)


# Threads

# A call of demo_start("counter") in place of input_get, by the first thread that asks
# for a key; counter is a thread that never waits.
START_COUNTER = (
    "tbreak *input_get\ncontinue\n"
    "set $rdi = (unsigned long) 'demos.c'::demos[1].name\n"
    "set $rip = (unsigned long) demo_start"
)


@pytest.mark.since("09-scheduling")
def test_threads(chapter):
    """Of one thread; of three, while the third has not run yet; while the CPU is still
    on the stack of the one that is not current any more; and when it has a tick."""
    run = "tbreak *thread_switch\ncontinue"
    begin = run.replace("*thread_switch", "*'demos.c'::run_counter")
    tick = run.replace("*thread_switch", "*'timer.c'::tick")
    before = "python before = checks.machine_state()"
    same = "python print(checks.machine_state() == before)"
    told = session(
        chapter, "tbreak kernel_main\ncontinue", "threads", START_COUNTER, run,
        before, "threads", "thread-bt 2", same, begin, before, "threads",
        "thread-bt 0", "thread-bt 1", "thread-bt 2", same, tick, "threads",
        "thread-bt 2",
    )  # fmt: skip
    (only,) = rows(told[1])
    assert re.match(r"\* 0 main running normal kernel_main(\+N)? start_64 ", only), only
    check_switching(*told[5:8])
    check_counting(*told[10:15])
    check_tick(*told[16:18])


def rows(told):
    """The rows of `threads`, without what depends on the compiler: how far into a
    function something is, and lines."""
    told = re.sub(r"\+\d+", "+N", re.sub(r":\d+", "", told))
    return [" ".join(line.split()) for line in told.splitlines()[1:]]


def check_switching(table, new, same):
    """The monitor waits, but still has the CPU. Nobody has called begin."""
    main, monitor, counter = rows(table)
    assert main.startswith("0 main running normal ") and " kernel_main main.c" in main
    assert monitor.startswith("* 1 monitor waiting high thread_switch "), table
    assert counter == "2 counter ready low begin"
    assert re.fullmatch(r"#0 .*begin \(\) at \S+:\d+", new), new
    assert same == "True"


def check_counting(table, main, monitor, counter, same):
    first, second, third = rows(table)
    assert re.match(r"0 main waiting normal \w+\+N kernel_main main\.c$", first), table
    assert re.match(r"1 monitor waiting high \w+\+N input_get input\.c$", second), table
    assert third.startswith("* 2 counter running low run_counter"), table
    for backtrace, names in (
        (main, "thread_wait thread_join kernel_main start_64"),
        (monitor, "thread_wait input_get line_read monitor_run begin"),
        (counter, "run_counter begin"),
    ):
        way = r"\b(?s:.*?)\b".join(names.split())
        assert re.search(rf"^#0 (?s:.*)\b{way} \([^#]*$", backtrace), backtrace
    assert same == "True"


def check_tick(table, backtrace):
    assert rows(table)[2].startswith("* 2 counter running low tick "), table
    assert re.search(
        r"^#0 +tick (?s:.*)isr_common \(vector=32\)(?s:.*)run_counter(?s:.*) begin ",
        backtrace,
    ), backtrace


@pytest.mark.since("09-scheduling")
def test_unwinding_to_the_stack_of_a_thread(chapter):
    """It lies below those of exceptions. An NMI, a double fault, and at any
    instruction; but not if GDB is not told that the stacks are one."""
    stack = "stack=checks.stub.number('nmi_stack_top')"
    wait = "tbreak *input_get\ncontinue"
    _, interruptions, _, nmi, same = session(
        chapter,
        wait,
        f"python checks.interruptions(20, {stack})",
        "monitor nmi\ntbreak nmi.c:handle\ncontinue",
        "backtrace",
        "thread-bt 1",
    )
    _, fault, broken = session(
        chapter,
        f"{wait}\nset $rip = (unsigned long) 'faults.c'::overflow\n"
        "tbreak report_exception\ncontinue",
        "backtrace -4",
        "python import frames; frames.displacement = lambda *_: 0\n"
        "python gdb.invalidate_cached_frames()\nbacktrace -4",
    )
    end = r"line_read(?s:.*) monitor_run (?s:.*)^#\d+ .* begin \(\) at threads\.c:\d+\Z"
    assert interruptions == "right: 20 interruptions"
    assert re.search(rf"isr_common \(vector=2\)(?s:.*){end}", nmi, re.M), nmi
    assert same == nmi
    assert re.search(rf"overflow \((?s:.*){end}", fault, re.M), fault
    assert not re.search(end, broken, re.M), "nothing would have been needed"


@pytest.mark.only("04-returning")
def test_mutations_are_found(chapter):
    """Each part of the unwinder, left out, fails the checks; and the tour tells
    which registers a stub spoils that pops rcx before rbx."""
    *wrong, tour = session(
        chapter,
        SAVE + "tbreak boot_info_loader\ncontinue\n"
        "python import unwind; note_for = unwind.note_for\n"
        "python unwind.note_for = lambda rip: None\npython checks.interruptions(30)",
        "python stub, unwind.note_for = checks.stub, note_for\n"
        "python pop, stub.Account.pop = stub.Account.pop, lambda books, name: None\n"
        "python checks.crossing(3)",
        "python codes, stub.WITH_ERROR_CODE = stub.WITH_ERROR_CODE, ()\n"
        "python stub.Account.pop = pop\npython checks.crossing(14)",
        "python stub.WITH_ERROR_CODE = codes\n" + LOAD + WRITE +
        f"python body = bytes(gdb.selected_inferior().read_memory({STUB}, 64))\n"
        f"python write({STUB} + body.index(b'\\x58\\x5b\\x59') + 1, b'\\x59\\x5b')\n"
        "tour",
    )
    assert not any(re.search("^right", each, re.M) for each in wrong), wrong
    assert "to be: rbx, rcx. The stub is wrong." in tour.replace("\n", " "), tour


@pytest.mark.only("04-returning")
def test_tour_asks(chapter, monkeypatch):
    """Enter goes on, b goes back, q leaves; then GDB works as ever."""
    chapters.build(chapter, "gcc-O2", "all")
    monkeypatch.setattr(test_debug, "DIRECTORY", chapters.directory(chapter))
    terminal = test_debug.Terminal()
    asked = r"(?s:.*)q leaves: $"
    try:
        terminal.type("tour\n")
        terminal.expect(r"1\. Before the exception" + asked)
        for answer, title in (
            ("", "2. What the CPU"), ("", "3. The stub"), ("b", "2. What the CPU"),
            ("b", "1. Before"), ("b", "1. Before"), ("", "2. What the CPU"),
        ):  # fmt: skip
            terminal.type(answer + "\n")
            terminal.expect(re.escape(f"\n{title}") + asked)
        terminal.type("q\n")
        terminal.expect(r"\(gdb\) $")
        terminal.type("back\n")
        terminal.expect(r"\bint3?\b(?s:.*)\(gdb\) $|main\.c(?s:.*)\(gdb\) $|cpu\.h")
        terminal.type("quit\n")
        terminal.assert_all_gone()
    finally:
        terminal.close()


# Recordings


def record(chapter, path, *options):
    command = [chapters.ROOT / "common/record", chapter, path, *options]
    return subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=90
    )


def replayed(recording, last):
    """Registers and stack at a step, put together as the page does it."""
    registers, words = {}, {}
    for step in recording["steps"][: last + 1]:
        registers.update(step.get("set", {}))
        words.update({int(a, 16): word for a, word in step.get("stack", {}).items()})
    rsp, stack = int(registers["rsp"], 16), []
    while rsp in words:
        stack.append(words[rsp])
        rsp += 8
    return registers, stack


@pytest.mark.only("04-returning")
def test_recording(chapter, tmp_path):
    """A round trip: the same each time, small, and what the page needs."""
    over = ["--over", "printf", "--over", "symbol_find", "--over", "symbol_print"]
    for name in ("one", "two"):
        done = record(chapter, tmp_path / name, "--vector", "3", *over)
        assert done.returncode == 0, done.stderr
    data = (tmp_path / "one").read_bytes()
    assert data == (tmp_path / "two").read_bytes()
    assert len(gzip.compress(data)) < 12 * 1024
    check_round_trip(json.loads(data))


def check_round_trip(recording):
    assert recording["format"] == "trapframe-steps 1"
    steps, moments = recording["steps"], recording["moments"]
    assert list(moments) == [
        "before", "cpu-pushes", "registers-saved", "c-handler", "c-returned",
        "registers-restored", "iretq", "resumed",
    ]  # fmt: skip
    assert sorted(moments.values()) == list(moments.values())
    assert steps[0]["code"] == "int3" and steps[moments["iretq"]]["code"] == "iretq"
    assert sum("over" in step for step in steps) == 3
    registers, stack = replayed(recording, moments["cpu-pushes"])
    names = [name for _, name, _ in stack[:5]]
    assert names == ["rip", "cs", "rflags", "rsp", "ss"]
    saved, stack = replayed(recording, moments["registers-saved"])
    names = [name for _, name, _ in stack[:17]]
    order = "rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15"
    assert names == [*order.split(), "vector", "error_code"]
    assert [stack[i][0] for i in range(15)] == [saved[name] for name in names[:15]]
    assert [who for _, _, who in stack[14:18]] == ["common", "stub", "stub", "cpu"]
    before, resumed = replayed(recording, 0)[0], replayed(recording, len(steps))[0]
    assert {**before, "rip": resumed["rip"]} == resumed
    assert replayed(recording, 0)[1] == replayed(recording, len(steps))[1]
    assert "iretq" in " ".join(recording["sources"]["isr.asm"].values())


@pytest.mark.only("04-returning")
def test_recording_that_fails(chapter, tmp_path):
    """The reason is told, and no file is left."""
    options = "--from kernel_main --to halt --max 9".split()
    done = record(chapter, tmp_path / "file", *options)
    assert done.returncode != 0 and "9 steps, and only at " in done.stderr, done.stderr
    assert not (tmp_path / "file").exists()


@pytest.mark.only("09-scheduling")
def test_recording_of_a_switch(chapter, tmp_path):
    """rsp goes to another stack, of which the recording knows what is there."""
    recipe = chapters.ROOT / "book/recordings/09-scheduling/switch"
    done = record(chapter, tmp_path / "file", *shlex.split(recipe.read_text(), True))
    assert done.returncode == 0, done.stderr
    data = (tmp_path / "file").read_bytes()
    recording = json.loads(data)
    assert len(gzip.compress(data)) < 15 * 1024 and len(recording["steps"]) < 400
    check_switch(recording)


def check_switch(recording):
    steps, moments = recording["steps"], recording["moments"]
    switch = [step["code"] for step in steps].index("mov rsp,rsi")
    saved, mine = replayed(recording, switch)
    order = "r15 r14 r13 r12 rbx rbp".split()
    assert [name for _, name, _ in mine[:7]] == [*order, "return address"]
    assert [value for value, _, _ in mine[:6]] == [saved[name] for name in order]
    after, other = replayed(recording, switch + 1)
    assert after["rsp"] == saved["rsi"] and moments["thread_switch+16"] == switch + 1
    assert len(other) >= 7 and {tuple(word[1:]) for word in other[:7]} == {("", "")}
    back, _ = replayed(recording, switch + 8)
    assert [back[name] for name in order] == [value for value, _, _ in other[:6]]
    assert back["rip"] == other[6][0]
    assert int(back["rsp"], 16) == int(after["rsp"], 16) + 7 * 8

"""test_09_scheduling.py: threads, seen from outside: at the prompt, on the screen, and
in reports.

What their parts do, tests/kernel/09-scheduling/ looks at.
"""

import collections
import functools
import random
import re
import string
import time

import pytest

import chapters
import elf
import images
import ktap
from qemu import COLUMNS, DEBUG_EXIT, POLL, SCREEN, SCREEN_SIZE, Machine
from test_05_paging import MIB, PAGE, change_info, with_areas
from test_06_double_faults import KERNEL_BASE, NMI, REPORT, expect_more, expect_nmi
from test_07_interrupts import ASKS, FAULTS, HALTED, IDLE, LINE, UNKNOWN
from test_07_interrupts import assert_halted_for_good, counts, uptime
from told import NUMBER, logged, registers

CHAPTER = "09-scheduling"
STACK = 16 * 1024
STACK_FRAMES = STACK // PAGE
HEADING = "  id name       state    priority ticks"
WHICH = "which demo? ps tells their ids\n"
NO_MEMORY = "there is not enough memory\n"
MONITOR = ", thread 1, monitor"
NO_BLOCK = "no block of the heap: it is free, or this is behind its end"
CORNER = COLUMNS - 24  # the first of its columns
PAIR = 11  # ticks from one number to the next of a consumer, and of a clock
STORM = 40  # NMIs

# Time is counted in instructions, of which a tick has 300,000: as many as the kernel
# needs, however slow the host is.
COUNTED = ["-icount", "shift=5,sleep=off"]
AT_ONCE = 5000  # instructions

Thread = collections.namedtuple("Thread", "id name state priority ticks")


@pytest.fixture
def prompt(chapter):
    """The kernel, at its prompt."""
    with Machine(images.image(chapter), seconds=60) as machine:
        assert machine.run_to_prompt() == ASKS, machine.report("no prompt")
        yield machine


@pytest.fixture
def counted(chapter):
    """The same, in a machine whose time does not depend on the host."""
    with Machine(images.image(chapter), *COUNTED, seconds=90) as machine:
        assert machine.run_to_prompt() == ASKS, machine.report("no prompt")
        yield machine


def image_of(chapter, name):
    return images.other(chapter, f"reports/{CHAPTER}/{name}.c")


def ps(machine):
    """The threads, and how many ticks none of them has run in."""
    heading, *lines, idle = machine.ask("ps").splitlines()
    assert heading == HEADING
    threads = []
    for line in lines:
        number, name, state, priority, ticks = line.split()
        threads.append(Thread(int(number), name, state, priority, int(ticks)))
        assert line == f"{number:>4} {name:10} {state:8} {priority:8} {ticks}"
    ticks = idle.split()[1]
    assert idle == f"{'':4} {'(idle)':10} {'':8} {'':8} {ticks}"
    return threads, int(ticks)


def named(machine, name):
    """The newest thread of this name."""
    return [thread for thread in ps(machine)[0] if thread.name == name][-1]


def demos(machine):
    """What can be started, as the kernel tells it."""
    told = machine.ask("start")
    names = re.findall(r"^(\w+) +\w", told, re.M)
    assert names and len(names) == len(told.splitlines())
    return names


def start(machine, name):
    """Start a demo; its id."""
    assert machine.ask(f"start {name}") == ""
    return named(machine, name).id


def start_all(machine):
    return {name: start(machine, name) for name in demos(machine)}


def stop(machine, number):
    assert machine.ask(f"stop {number}") == ""


@functools.cache
def place_of_ticks():
    """The physical address of the timer's ticks."""
    return elf.symbols(images.kernel(CHAPTER))["ticks"] - KERNEL_BASE


def ticks_of(machine):
    """How many there have been. Nobody has to answer: that would take some."""
    return int.from_bytes(machine.memory(place_of_ticks(), 8), "little")


def let_pass(machine, ticks):
    """Let so many ticks pass."""
    end = ticks_of(machine) + ticks
    while ticks_of(machine) < end:
        assert time.monotonic() < machine.deadline, machine.report("no ticks")
        time.sleep(POLL)


def frames(machine):
    return int(re.match(r"(\d+) of \d+ frames are free\n", machine.ask("mem"))[1])


def corner(machine):
    """What the rows of the corner show, from the first one on: words and a number."""
    shown = []
    for row in machine.screen():
        found = re.fullmatch(r" ([a-z ]{10}) +(\d+)", row[CORNER:])
        shown.append((found[1].rstrip(), int(found[2])) if found else (None, None))
    return shown


def see(machine, row, what, least=0):
    """Wait until a row of the corner shows WHAT, and a number that is not less. When
    the screen scrolls, the corner does as well, until the thread draws again."""
    while time.monotonic() < machine.deadline:
        words, number = corner(machine)[row]
        if words == what and number >= least:
            return number
        time.sleep(POLL)
    raise AssertionError(machine.report(f"row {row} does not show {what} {least}"))


# The threads there are


@pytest.mark.only(CHAPTER)
def test_ps_lists_main_and_the_monitor(prompt):
    threads, _ = ps(prompt)
    assert [thread[:4] for thread in threads] == [
        (0, "main", "waiting", "normal"),
        (1, "monitor", "running", "high"),
    ]


@pytest.mark.only(CHAPTER)
def test_ps_lists_what_is_started(prompt):
    ids = start_all(prompt)
    producer = named(prompt, "producer").id
    threads, _ = ps(prompt)
    numbers = [thread.id for thread in threads]
    assert numbers == sorted({0, 1, producer, *ids.values()})
    assert [t.name for t in threads if t.state == "running"] == ["monitor"]
    assert {t.state for t in threads if t.name != "monitor"} <= {"ready", "waiting"}
    priorities = {thread.name: thread.priority for thread in threads}
    assert priorities["counter"] == "low" and priorities["consumer"] == "normal"
    assert priorities["clock"] == priorities["producer"] == "normal"


@pytest.mark.only(CHAPTER)
def test_each_tick_is_that_of_a_thread_or_of_none(prompt):
    """And none is counted twice."""
    start_all(prompt)
    for _ in range(5):
        let_pass(prompt, 20)
        before = uptime(prompt)[1]
        threads, idle = ps(prompt)
        after = uptime(prompt)[1]
        assert before <= sum(thread.ticks for thread in threads) + idle <= after


def growth(machine, ticks):
    """How much more ticks each thread has after so many, and none of them has; as
    parts of those that have passed."""
    before, idle = ps(machine)
    first = uptime(machine)[1]
    let_pass(machine, ticks)
    passed = uptime(machine)[1] - first
    after, idle_then = ps(machine)
    parts = {t.name: (t.ticks - b.ticks) / passed for b, t in zip(before, after)}
    return {**parts, "(idle)": (idle_then - idle) / passed}


@pytest.mark.only(CHAPTER)
def test_idle_ticks_are_those_that_nobody_needs(counted):
    """All, with clock and consumer too; none, once there is a thread that never
    waits; and all when that has ended."""
    assert growth(counted, 300)["(idle)"] > 0.9
    start(counted, "clock")
    start(counted, "consumer")
    assert growth(counted, 300)["(idle)"] > 0.9
    counter = start(counted, "counter")
    busy = growth(counted, 300)
    assert busy["(idle)"] == 0 and busy["counter"] > 0.8
    assert busy["clock"] + busy["consumer"] + busy["producer"] < 0.1
    assert busy["main"] == 0
    stop(counted, counter)
    assert growth(counted, 300)["(idle)"] > 0.9


@pytest.mark.only(CHAPTER)
def test_threads_of_one_priority_take_turns(counted):
    for _ in range(3):
        start(counted, "counter")
    before = [t.ticks for t in ps(counted)[0] if t.name == "counter"]
    let_pass(counted, 300)
    after = [t.ticks for t in ps(counted)[0] if t.name == "counter"]
    grown = [then - first for first, then in zip(before, after)]
    assert sum(grown) > 200 and max(grown) - min(grown) <= 0.1 * sum(grown)


# What is started, and what it shows


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("name", ["", "nothing", "clockx", "cloc", "clock clock", "2"])
def test_names_are_listed_for_any_other(prompt, name):
    told = prompt.ask(f"start {name}")
    source = (chapters.directory(CHAPTER) / "demos.c").read_text()
    table = re.search(r"demos\[\] = \{\n(.*?)\n\};", source, re.S)[1]
    names = re.findall(r'^    \{"(\w+)"', table, re.M)
    assert re.findall(r"^(\w+) +\w", told, re.M) == names == demos(prompt)
    assert len(ps(prompt)[0]) == 2


@pytest.mark.only(CHAPTER)
def test_each_demo_works_alone(prompt):
    """One after the other, in the same row."""
    shows = {"clock": "up for", "counter": "counted to", "consumer": "consumed"}
    assert demos(prompt) == list(shows)
    for name, what in shows.items():
        number = start(prompt, name)
        see(prompt, 0, what, see(prompt, 0, what) + 1)
        stop(prompt, number)
        see(prompt, 0, "ended")


def look(machine):
    """The ticks, and what the corner shows at that moment."""
    machine.qmp("stop")
    seen = ticks_of(machine), corner(machine)
    machine.qmp("cont")
    return seen


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("busy", [False, True], ids=["alone", "beside-a-counter"])
def test_nobody_is_late(counted, busy):
    """Clock and consumer do what they have to in the tick in which they have to, also
    beside a thread that never waits."""
    start(counted, "clock")
    start(counted, "consumer")
    if busy:
        start(counted, "counter")
    see(counted, 0, "up for")
    see(counted, 1, "consumed", 2)
    first, (_, (_, consumed), *_) = look(counted)
    for _ in range(20):
        time.sleep(POLL)
        now, ((words, seconds), (_, number), *_) = look(counted)
        assert words == "up for" and 100 * seconds <= now <= 100 * seconds + 100 + PAIR
        assert abs(now - first - PAIR * (number - consumed)) <= PAIR
    assert number - consumed > 10


@pytest.mark.only(CHAPTER)
def test_producer_waits_for_the_consumer(prompt):
    start(prompt, "consumer")
    states = []
    for _ in range(20):
        let_pass(prompt, 3)
        states += [t.state for t in ps(prompt)[0] if t.name == "producer"]
    assert len(states) == 20 and states.count("waiting") > 15


@pytest.mark.only(CHAPTER)
def test_key_is_answered_at_once(chapter):
    """Not when the tick of the thread that never waits is over."""
    symbols = elf.symbols(images.kernel(chapter))
    with Machine(images.image(chapter), *COUNTED, gdb=True, seconds=60) as machine:
        stub = machine.gdb()
        stub.go_on()
        start(machine, "counter")
        for key in "abcd":
            stub.stop()
            machine.send(key)
            stub.run_to(symbols["input_put"])
            before = machine.qmp("query-replay")["icount"]
            stub.run_to(symbols["serial_putc"])
            after = machine.qmp("query-replay")["icount"]
            assert stub.read_register("rdi") & 0xFF == ord(key)
            assert after - before < AT_ONCE
            stub.go_on()
            machine.expect(rf"{key}\Z")


@pytest.mark.only(CHAPTER)
def test_prompt_answers_beside_threads_that_never_wait(prompt):
    answers = {line: prompt.ask(line) for line in ("help", "start", "fault", "x y")}
    for _ in range(3):
        start(prompt, "counter")
    names = re.findall(r"^(\w+) ", answers["help"], re.M)
    source = (chapters.directory(CHAPTER) / "monitor.c").read_text()
    table = re.search(r"commands\[\] = \{\n(.*?)\n\};", source, re.S)[1]
    assert names == re.findall(r'^    \{"(\w+)"', table, re.M)
    for name in names:
        assert UNKNOWN not in prompt.ask(name)
    assert answers == {line: prompt.ask(line) for line in answers}


@pytest.mark.only(CHAPTER)
def test_trace_is_one_of_the_monitor(prompt):
    """While it does not wait, no other thread gets in between."""
    start_all(prompt)
    told = len(prompt.serial)
    prompt.send("trace 500\n")
    steps = re.compile(rf"  {NUMBER} (\w+)\+0x\w+\n")

    def functions():
        return steps.findall(prompt.serial[told:])

    wait_until(prompt, lambda: len(functions()) == 500)
    ask_anew(prompt)
    assert len(functions()) == 500 and functions()[0] == "trace"
    assert "monitor_run" in functions()
    assert not {"thread_switch", "run_counter"} & set(functions())
    assert_alive(prompt)


def ask_anew(machine):
    """For the next prompt; the last one is torn, or something else came behind it."""
    told = len(machine.serial)
    machine.send("\n")
    assert machine.run_to_prompt(told) == ASKS, machine.report("no prompt")


def wait_until(machine, condition):
    ending = machine.run_to_end(until=condition)
    assert ending == ASKS, machine.report(f"waited in vain: {ending}")


def assert_alive(machine):
    """Of start_all: the clock goes, the counter counts, and the consumer gets more."""
    shown = enumerate(("up for", "counted to", "consumed"))
    for row, what in shown:
        see(machine, row, what, see(machine, row, what) + 1)
    assert machine.ask("x") == f"x{UNKNOWN}"


# Rows, and the end of what is started


@pytest.mark.only(CHAPTER)
def test_all_rows_may_be_taken(prompt):
    """Each thread has its own; and a row that is given back is free."""
    ids, told = [], ""
    while not told:
        told = prompt.ask("start clock")
        ids.append(named(prompt, "clock").id)
    *ids, last = ids
    assert told == f"all {len(ids)} rows are taken\n" and last == ids[-1]
    for row in range(len(ids)):
        see(prompt, row, "up for")
    assert prompt.ask("start consumer") == told
    assert len(ps(prompt)[0]) == 2 + len(ids)
    for row in (3, len(ids) - 1):
        stop(prompt, ids[row])
        see(prompt, row, "ended")
        ids[row] = start(prompt, "counter")
        see(prompt, row, "counted to")
        assert prompt.ask("start clock") == told
    for number in ids:
        stop(prompt, number)
    assert len(ps(prompt)[0]) == 2


@pytest.mark.only(CHAPTER)
def test_what_ends_gives_everything_back(prompt):
    """Its stack, and all blocks that it had. The second time nothing is new."""
    for number in start_all(prompt).values():
        stop(prompt, number)
    before, heap = frames(prompt), prompt.ask("heap")
    for order in (1, -1):
        ids = start_all(prompt)
        assert frames(prompt) <= before - STACK_FRAMES * (len(ids) + 1)
        let_pass(prompt, 10)
        for number in list(ids.values())[::order]:
            stop(prompt, number)
            assert number not in [thread.id for thread in ps(prompt)[0]]
        assert frames(prompt) == before and prompt.ask("heap") == heap
        assert [thread.name for thread in ps(prompt)[0]] == ["main", "monitor"]


@pytest.mark.only(CHAPTER)
def test_counter_tells_how_far_it_came(prompt):
    number = start(prompt, "counter")
    seen = see(prompt, 0, "counted to", 10**6)
    stop(prompt, number)
    ended = see(prompt, 0, "ended", seen)
    assert prompt.run_to_end() == IDLE
    assert corner(prompt)[0] == ("ended", ended)


@pytest.mark.only(CHAPTER)
def test_no_id_comes_twice(prompt):
    ids = []
    for _ in range(20):
        ids.append(start(prompt, "clock"))
        stop(prompt, ids[-1])
    assert ids == list(range(2, 22))


@pytest.mark.only(CHAPTER)
def test_only_demos_can_be_stopped(prompt):
    number = start(prompt, "consumer")
    others = [0, 1, named(prompt, "producer").id, number + 2, number + (1 << 32), -1]
    for other in (*others, "", "x", f"{number}x", f"{number} {number}", f"0{1 << 64}"):
        assert prompt.ask(f"stop {other}") == WHICH, other
    assert len(ps(prompt)[0]) == 4
    stop(prompt, number)
    assert prompt.ask(f"stop {number}") == WHICH
    assert len(ps(prompt)[0]) == 2


# Memory


@pytest.mark.only(CHAPTER)
def test_memory_may_be_small(chapter):
    with Machine(images.image(chapter), "-m", "16", seconds=60) as machine:
        start_all(machine)
        assert_alive(machine)


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("pages", [8, 12, 15, 64])
def test_memory_may_be_too_small_for_the_monitor(chapter, pages):
    """With 7 pages for the kernel's tables, and these; 64 are enough."""
    areas = with_areas((4 * MIB, 7 * PAGE), (6 * MIB, pages * PAGE))
    with Machine(images.image(chapter), gdb=True) as machine:
        stub = machine.gdb()
        stub.run_to(elf.symbols(images.kernel(chapter))["memory_init"])
        change_info(stub, areas)
        stub.go_on()
        ending = machine.run_to_prompt()
        if pages == 64:
            assert ending == ASKS
            return
        assert ending == HALTED
        told = r"\npanic at main\.c:\d+: too little memory: none for a thread\n"
        assert re.search(rf"{told}\Z", machine.serial), machine.serial


def leave(machine, count):
    """Take all frames but so many; the block that has them. For the first one there
    are not enough frames: tables are made for it, which stay."""
    block = ""
    while frames(machine) != count:
        assert block in ("", NO_MEMORY.strip())
        block = machine.ask(f"alloc {(frames(machine) - count) * PAGE}").strip()
    return block


@pytest.mark.only(CHAPTER)
def test_memory_may_be_too_small_for_a_demo(prompt):
    """For its stack; and for that of the thread which it starts itself. Then it ends
    at once, and is there to be stopped."""
    stop(prompt, start(prompt, "consumer"))
    block = leave(prompt, STACK_FRAMES - 1)
    heap = prompt.ask("heap")
    assert prompt.ask("start clock") == NO_MEMORY
    assert len(ps(prompt)[0]) == 2 and prompt.ask("heap") == heap
    assert frames(prompt) == STACK_FRAMES - 1
    assert prompt.ask(f"free {block}") == ""
    block = leave(prompt, STACK_FRAMES)
    number = start(prompt, "consumer")
    let_pass(prompt, 3)
    assert [t[:3] for t in ps(prompt)[0]][2:] == [(number, "consumer", "exited")]
    assert frames(prompt) == 0
    stop(prompt, number)
    assert len(ps(prompt)[0]) == 2 and frames(prompt) == STACK_FRAMES
    assert prompt.ask(f"free {block}") == ""
    start_all(prompt)
    assert_alive(prompt)


# UEFI


def draws(stub, kernel):
    """Is anything written to the screen's memory from one call of vga_write_at to the
    next?"""
    address = elf.symbols(kernel)["vga_write_at"]
    stub.stop()
    stub.run_to(address)
    step(stub)
    stub.ask(f"Z2,{images.DIRECT_MAP + SCREEN:x},{SCREEN_SIZE:x}")
    stub.ask(f"Z1,{address:x},1")
    told = stub.ask("c")
    stub.ask(f"z1,{address:x},1")
    stub.ask(f"z2,{images.DIRECT_MAP + SCREEN:x},{SCREEN_SIZE:x}")
    stub.go_on()
    return "watch" in told


def step(stub):
    """Execute one instruction. QEMU may stop before it has."""
    rip = stub.read_register("rip")
    while stub.read_register("rip") == rip:
        stub.step()


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("uefi", [False, True], ids=["BIOS", "UEFI"])
def test_threads_work_with_and_without_a_screen(chapter, uefi):
    """Where there is no text screen, nothing is drawn."""
    image = images.hybrid(chapter) if uefi else images.image(chapter)
    with Machine(image, uefi=uefi, gdb=True, seconds=150) as machine:
        stub = machine.gdb()
        stub.go_on()
        assert machine.run_to_prompt() == ASKS, machine.report("no prompt")
        assert ("\nscreen: none\n" in machine.serial) == uefi
        ids = start_all(machine)
        counter, idle = named(machine, "counter").ticks, ps(machine)[1]
        let_pass(machine, 50)
        assert named(machine, "counter").ticks > counter and ps(machine)[1] == idle
        states = {thread.name: thread.state for thread in ps(machine)[0]}
        assert states["producer"] == states["main"] == "waiting"
        assert draws(stub, images.kernel(chapter)) != uefi
        for number in ids.values():
            stop(machine, number)
        assert len(ps(machine)[0]) == 2


# What comes from outside meanwhile


@pytest.mark.only(CHAPTER)
def test_nmis_change_nothing(prompt):
    """At any moment; each is told, and everything goes on."""
    moments = random.Random(9)
    start_all(prompt)
    told = len(prompt.serial)
    for _ in range(STORM):
        time.sleep(moments.random() / 50)
        expect_nmi(prompt)
    assert len(re.findall(NMI, prompt.serial[told:])) == STORM
    ask_anew(prompt)
    assert_alive(prompt)
    before = uptime(prompt)[1]
    threads, idle = ps(prompt)
    assert before <= sum(t.ticks for t in threads) + idle <= uptime(prompt)[1]
    assert counts(prompt)["spurious"] == 0


@pytest.mark.only(CHAPTER)
def test_nmi_at_each_instruction_of_a_switch(chapter):
    symbols = elf.symbols(images.kernel(chapter))
    switch = symbols["thread_switch"]
    with Machine(images.image(chapter), gdb=True, seconds=60) as machine:
        stub = machine.gdb()
        stub.go_on()
        start_all(machine)
        see(machine, 1, "counted to")
        offsets = []
        for steps in range(15):
            stub.stop()
            stub.run_to(switch)
            for _ in range(steps):
                step(stub)
            offsets.append(stub.read_register("rip") - switch)
            told = len(machine.serial)
            machine.nmi()
            stub.go_on()
            expect_more(machine, told, rf"{NMI}{offsets[-1]:x}\n")
        assert offsets == sorted(set(offsets))
        ask_anew(machine)
        assert_alive(machine)


@pytest.mark.since(CHAPTER)
def test_registers_stay_what_they_are(chapter):
    """Those of threads that take turns, with NMIs at any moment."""
    moments = random.Random(90)
    with Machine(image_of(chapter, "patterns"), seconds=60) as machine:
        machine.expect(r"^patterns\n\.")
        for _ in range(STORM):
            time.sleep(moments.random() / 50)
            expect_nmi(machine)
        told = len(machine.serial)
        machine.expect(rf"\A(?s:.{{{told}}})\.{{5}}")
        assert "changed" not in machine.serial
        assert re.findall(NMI, machine.serial).count("pattern_wait") > STORM / 2


@pytest.mark.only(CHAPTER)
def test_keys_and_bytes_arrive_in_order(prompt):
    """Both at once, while all threads work: none is lost, and none comes twice."""
    chosen = random.Random(91)
    start_all(prompt)
    for _ in range(5):
        letters = chosen.choices(string.ascii_lowercase, k=LINE // 2)
        digits = chosen.choices(string.digits, k=LINE // 2)
        told = len(prompt.serial)
        for i in range(0, LINE // 2, 4):
            prompt.send("".join(letters[i : i + 4]))
            for digit in digits[i : i + 4]:
                key = {"type": "qcode", "data": digit}
                prompt.qmp("send-key", keys=[key], **{"hold-time": 5})
            wait_until(prompt, lambda: len(prompt.serial) == told + 2 * (i + 4))
        prompt.send("\n")
        assert prompt.run_to_prompt(told) == ASKS
        line, answer, _ = prompt.serial[told:].split("\n")
        assert answer == f"{line}{UNKNOWN}".rstrip()
        assert re.sub(r"\d", "", line) == "".join(letters)
        assert re.sub(r"[a-z]", "", line) == "".join(digits)
    assert_alive(prompt)


# Reports


def functions_in(report):
    """The functions of a backtrace, and how often each is there in a row."""
    found = re.findall(rf"^  {NUMBER} (\w+)\+0x\w+(?:, (\d+) times)?$", report, re.M)
    return [name for name, _ in found], [int(times or 1) for _, times in found]


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("name", FAULTS)
def test_fault_in_the_monitor(prompt, name):
    """The report names the thread. The others have come to their end as well."""
    start(prompt, "counter")
    start(prompt, "clock")
    overflow = rf"#DF double fault, vector 8\ncr2 {NUMBER}: {overflowed(1)}\n"
    title = overflow if name == "overflow" else FAULTS[name]
    title = re.sub(r"vector \d+", rf"\g<0>{MONITOR}", title)
    prompt.send(f"fault {name}\n")
    assert prompt.run_to_end() == HALTED
    told = prompt.serial[prompt.serial.index(f"fault {name}\n") :]
    told = told.removeprefix(f"fault {name}\n")
    report = REPORT.replace("code(", "(code(", 1) + ")?"
    assert re.match(rf"\n{title}{report}", told), told
    functions, times = functions_in(told)
    assert functions[0] == name
    assert functions[-3:] == ["fault", "monitor_run", "begin"]
    assert max(times) > 100 or name != "overflow"
    assert told.endswith("\nhalted\n")
    assert_halted_for_good(prompt)


def overflowed(number):
    return rf"guard page: the stack of thread {number} has overflowed"


def report_of(machine):
    """What is told from an exception on, once that has ended everything."""
    assert machine.run_to_end() == HALTED, machine.report("no report")
    told = machine.serial[machine.serial.index("\n#") :]
    assert told.endswith("\nhalted\n")
    return told


@pytest.mark.since(CHAPTER)
def test_overflow_in_a_thread(chapter):
    """The stack it has is one that another thread has had."""
    with Machine(image_of(chapter, "overflows")) as machine:
        told = report_of(machine)
        machine.end()
        seen = logged(machine, 8)
    title = r"\n#DF double fault, vector 8, thread 3, deep\n"
    assert re.match(rf"{title}cr2 {NUMBER}: {overflowed(3)}\n{REPORT}", told), told
    functions, times = functions_in(told)
    assert functions == ["recurse", "recurse", "overflow", "begin"]
    found = registers(told)
    for name in ("rsp", "rbp", "rip", "cr2", "rflags"):
        assert found[name] == seen[name], name
    bottom = -(-found["cr2"] // PAGE) * PAGE
    assert bottom - found["cr2"] <= 48 and bottom <= found["rsp"] < bottom + 48
    frame = STACK / times[1]
    assert 16 <= frame < 64 and STACK - 512 < times[1] * round(frame) <= STACK


# Below a stack: what is written to, and what is said about it.
GUARDS = {
    "last": overflowed(1),
    "first": overflowed(1),
    "before": NO_BLOCK,
    "other": NO_BLOCK,
}


@pytest.mark.since(CHAPTER)
@pytest.mark.parametrize("which", GUARDS)
def test_only_the_page_below_its_own_stack_is_its_guard(chapter, which):
    with Machine(image_of(chapter, "guards")) as machine:
        machine.expect(r"^last, first, before, other\?\n")
        machine.send(which[0])
        told = report_of(machine)
    title = r"\n#PF page fault, vector 14, thread 1, writer\nerror code 0x2: write .*\n"
    explained = rf"cr2 {NUMBER}: {GUARDS[which]}\n"
    assert re.match(f"{title}{explained}{REPORT}", told), told


@pytest.mark.since(CHAPTER)
@pytest.mark.parametrize("how", ["fault", "panic"])
def test_nothing_is_printed_after_the_end(chapter, how):
    """Not by threads that were in the middle of a line, nor into it."""
    report = rf"\n#DE divide error, vector 0, thread \d+, last\n{REPORT}"
    trace = rf"(  {NUMBER}.*\n)+halted\n"
    panic = r"\npanic at \S+: that was all\n"
    end = f"{report}{trace}" if how == "fault" else panic
    with Machine(image_of(chapter, "among_others")) as machine:
        for name in ("main", "a", "b"):
            machine.expect(rf"^a line of {name}$")
        machine.send(how[0])
        assert machine.run_to_end() == HALTED, machine.report("no end")
        lines, told = re.split(r"(?=\n#|\npanic)", machine.serial, maxsplit=1)
        assert re.fullmatch(end, told), told
        *whole, last = lines.removeprefix("KTAP version 1\n1..1\n").split("\n")
        assert {f"a line of {name}" for name in ("main", "a", "b")} == set(whole)
        assert any(f"a line of {name}".startswith(last) for name in ("main", "a", "b"))
        assert_halted_for_good(machine)


@pytest.mark.since(CHAPTER)
def test_threads_touch_the_same_pages(chapter):
    """Demand-zero memory: of all threads that touch a page only the first one needs
    an exception, and none notices it."""
    with Machine(image_of(chapter, "touches"), *DEBUG_EXIT, seconds=60) as machine:
        ending = machine.run_to_end()
        report = ktap.Report(machine.serial, ending)
        faults = [e for e in machine.exceptions() if e.startswith("v=0e")]
        everything = machine.report("the test kernel")
    assert report.results == {"pages_are_made_once": True}, everything
    assert not report.complaint(["pages_are_made_once"]), everything
    source = (chapters.ROOT / f"tests/reports/{CHAPTER}/touches.c").read_text()
    assert len(faults) == int(re.search(r"PAGES = (\d+)", source)[1])


# The clock counts instructions: whatever happens comes at the same place each time,
# and with another shift at other places.
@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("shift", [2, 5])
def test_stress_by_counted_instructions(chapter, shift):
    clock = f"shift={shift},sleep=off"
    flags = ["-icount", clock, "-rtc", "base=2020-01-01,clock=vm", "-seed", "1"]
    image = f"tests/kernel/{CHAPTER}/stress"
    products = chapters.build(chapter, "gcc-O2", f"build/gcc-O2/{image}.iso")
    expected = ktap.tests_in((chapters.ROOT / f"{image}.c").read_text())
    report, everything = ktap.run(products / f"{image}.iso", *flags, seconds=120)
    assert not report.complaint(expected), everything
    assert all(report.results.values()), everything

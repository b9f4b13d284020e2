"""bench.py: measure, print a table, write build/bench.tsv (name, value, unit).

    bench.py                all of it
    bench.py loops 05-paging    one measure, and the kernels in tests/bench/05-paging
    bench.py --record       all of it, and write down what the book shows and the tests
                            compare: counts.tsv, and times.tsv for what is not exact

Instructions are exact: QEMU's -icount makes the clock advance by one for each. Those
that differ from the record are told.
Seconds are of this machine, so what matters is stated as a ratio.
"""

import functools
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import chapters  # noqa: E402
import elf  # noqa: E402
import irq_off  # noqa: E402
import ktap  # noqa: E402
import patched  # noqa: E402
import qemu  # noqa: E402
import records  # noqa: E402

RESULT = chapters.ROOT / "build/bench.tsv"
COUNTS, TIMES = HERE / "counts.tsv", HERE / "times.tsv"
EXACT = "instructions", "pieces", "bytes"  # the units of what is counted
PROGRAMS = "gcc", "clang", "NASM", "GNU ld", "GRUB", "QEMU"  # that counts depend on
ADVICE = """\
If that is meant, "make bench RECORD=1" writes tests/bench/counts.tsv anew; commit it
with the change, and name the figure in the message."""
ROUNDS = 7  # of what takes time; the best one counts, for other work only adds
ICOUNT = "-icount shift=0,sleep=off -rtc base=2020-01-01,clock=vm -seed 1".split()
# The host need not have so much: what is not used is not there.
HUGE = (
    "-m 64G -object memory-backend-ram,id=m,size=64G,reserve=off"
    " -machine memory-backend=m"
).split()
MEMORY = {size: ["-m", size] for size in ("16M", "128M", "4G")} | {"64G": HUGE}
PROMPT_MEMORY = {".16M": MEMORY["16M"], "": [], ".4G": MEMORY["4G"]}
PLAIN_MACHINE = ["-accel", "tcg"]
PLAIN_MENU = "set timeout=0\nmultiboot2 /kernel.elf\nboot\n"


def last():
    return chapters.names()[-1]


# From an edit to the first word of the kernel


def seconds_to_first_word(image, **options):
    """How long a boot takes until something comes through COM1."""
    start = time.monotonic()
    with qemu.Machine(image, **options) as machine:
        machine.expect(r"\S")
        return time.monotonic() - start


def edit_build_boot(copy):
    """The loop of this book: touch main.c, make, boot."""
    start = time.monotonic()
    (copy.path / "main.c").touch()
    copy.make("all", alone=False)
    built = time.monotonic() - start
    return built + seconds_to_first_word(copy.product("kernel.iso"))


def default_loop(copy, directory):
    """The same with grub-mkrescue and QEMU as they are without options."""
    start = time.monotonic()
    (copy.path / "main.c").touch()
    copy.make("$(BUILD)/kernel.elf", alone=False)
    tree = directory / "tree"
    (tree / "boot/grub").mkdir(parents=True, exist_ok=True)
    (tree / "boot/grub/grub.cfg").write_text(PLAIN_MENU)
    shutil.copy(copy.product("kernel.elf"), tree)
    image = directory / "default.iso"
    command = ["grub-mkrescue", "-o", image, tree]
    subprocess.run(command, check=True, capture_output=True)
    built = time.monotonic() - start
    return built + seconds_to_first_word(image, machine=PLAIN_MACHINE)


def loops():
    """Both loops, in turn, so that a busy machine slows down both."""
    copy = patched.Copy(last(), "/dev/null", "bench")
    copy.make("all")
    ours, default = [], []
    with tempfile.TemporaryDirectory() as name:
        for _ in range(ROUNDS):
            ours.append(edit_build_boot(copy))
            default.append(default_loop(copy, Path(name)))
    ours, default = min(ours), min(default)
    yield "edit_build_boot", ours * 1000, "ms"
    yield "edit_build_boot_default", default * 1000, "ms"
    yield "edit_build_boot_ratio", ours / default, "ratio"


# Building


def clean_build():
    """Processor time for everything in the last chapter, GRUB's image too."""
    copy = patched.Copy(last(), "/dev/null", "bench")
    copy.make("clean")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    copy.make("all", alone=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    yield "clean_build_cpu_seconds", seconds, "s"


def text_bytes():
    """The machine code of each chapter."""
    for chapter in chapters.names():
        kernel = chapters.build(chapter, "gcc-O2", "all") / "kernel.elf"
        size = re.search(r"^\.text\s+(\d+)", elf.tool("size", "-A", kernel), re.M)
        yield f"kernel_text_bytes.{chapter}", int(size[1]), "bytes"


# Running


def instructions_between(image, start, end, *flags):
    """How many instructions there are from one address to another, on a machine with
    FLAGS."""
    with qemu.Machine(image, *ICOUNT, *flags, gdb=True, seconds=60) as machine:
        stub = machine.gdb()
        stub.run_to(start)
        before = machine.qmp("query-replay")["icount"]
        stub.run_to(end)
        return machine.qmp("query-replay")["icount"] - before


def instructions_of(chapter, function, *flags):
    """How many instructions the first call of a function takes, its return included,
    on a machine with FLAGS."""
    kernel = chapters.build(chapter, "gcc-O2", "all") / "kernel.elf"
    image, start = kernel.with_suffix(".iso"), elf.symbols(kernel)[function]
    with qemu.Machine(image, *ICOUNT, *flags, gdb=True, seconds=60) as machine:
        stub = machine.gdb()
        stub.run_to(start)
        before = machine.qmp("query-replay")["icount"]
        back = stub.read_memory(stub.read_register("rsp"), 8)
        stub.run_to(int.from_bytes(back, "little"))
        return machine.qmp("query-replay")["icount"] - before


def memory_init():
    """What it takes to find out about memory, and to move into an address space."""
    for size, flags in MEMORY.items():
        count = instructions_of(last(), "memory_init", *flags)
        yield f"memory_init.{size}", count, "instructions"


def entry_to_main():
    """From the kernel's first instruction to the first one of C."""
    for chapter in chapters.names():
        kernel = chapters.build(chapter, "gcc-O2", "all") / "kernel.elf"
        symbols = elf.symbols(kernel)
        start, end = symbols["start"], symbols["kernel_main"]
        count = instructions_between(kernel.with_suffix(".iso"), start, end)
        yield f"entry_to_main.{chapter}", count, "instructions"


def entry_to_prompt():
    """From the kernel's first instruction to where it first waits for a key."""
    kernel = chapters.build(last(), "gcc-O2", "all") / "kernel.elf"
    symbols = elf.symbols(kernel)
    start, end = symbols["start"], symbols["input_get"]
    for suffix, flags in PROMPT_MEMORY.items():
        image = kernel.with_suffix(".iso")
        count = instructions_between(image, start, end, *flags)
        yield f"entry_to_prompt{suffix}", count, "instructions"


def kernel_of(source, chapter, toolchain="gcc-O2"):
    """The kernel that SOURCE and a chapter's objects make."""
    name = f"bench/{source}.iso"
    goal = f"build/{toolchain}/tests/{name}"
    return chapters.build(chapter, toolchain, goal) / "tests" / name


def irq_off_longest():
    """The longest stretch of instructions with interrupts disabled, and below it where
    it and the next ones are. tests/bench/09-scheduling/irq_off.c says what is done."""
    kernel = kernel_of("09-scheduling/irq_off", last()).with_suffix(".elf")
    follower = irq_off.follow(kernel, ICOUNT)
    yield "irq_off_longest", len(follower.longest()[0].path), "instructions"
    for line in irq_off.report(follower, irq_off.Names(kernel)):
        print(f"    {line}", flush=True)


def values_of(image, *flags, clock=ICOUNT):
    """What a kernel reports by ktap_value, but for points of lines: the book draws
    those (common/record)."""
    report, everything = ktap.run(image, *clock, *flags, seconds=120)
    if report.ending != qemu.Ending("exit", qemu.PASS):
        sys.exit(everything)
    yield from (row for row in ktap.values(report.serial) if "@" not in row[0])


def values(source, chapter, toolchain="gcc-O2"):
    """What the kernel reports that SOURCE and a chapter's objects make. Its
    clock counts instructions, unless it says that it needs a real one."""
    image = kernel_of(source, chapter, toolchain)
    text = (chapters.ROOT / f"tests/bench/{source}.c").read_text()
    flags = " ".join(re.findall(r"^// QEMU: (.*)$", text, re.M)).split()
    clock = [] if "\n// Clock: real\n" in text else ICOUNT
    yield from values_of(image, *flags, clock=clock)


def suites():
    """The directories in tests/bench/."""
    return sorted({path.parent.name for path in HERE.glob("*/*.c")})


def kernels(suite="*"):
    """The kernels in tests/bench/SUITE, made from the last chapter's objects."""
    for source in sorted(HERE.glob(f"{suite}/*.c")):
        if "ktap_value(" not in source.read_text():
            continue  # irq_off.py runs it
        yield from values(f"{source.parent.name}/{source.stem}", last())


def clang():
    """The round trip of an exception, and page faults, by the other compiler."""
    for source in ("04-returning/trips", "05-paging/faults"):
        for name, value, unit in values(source, last(), "clang-O2"):
            yield f"{name}.clang", value, unit


def first_interrupts():
    """Interrupts in the chapter that has them first, without threads."""
    for name, value, unit in values("07-interrupts/interrupts", "07-interrupts"):
        yield f"{name}.07-interrupts", value, unit


def page_walk():
    """Probes of chapter 03, which walks the page tables."""
    for name, value, unit in values("04-returning/probes", "03-exceptions"):
        yield f"{name}.walk", value, unit


MEASURES = (
    loops,
    clean_build,
    text_bytes,
    entry_to_main,
    entry_to_prompt,
    memory_init,
    irq_off_longest,
    kernels,
    clang,
    first_interrupts,
    page_walk,
)


def shown(value):
    return f"{value:.3g}" if isinstance(value, float) and value < 100 else f"{value:.0f}"


# What it was before


def differences(rows):
    """A line for each count that is not what the record says."""
    recorded = {row[0]: float(row[1]) for row in records.read(COUNTS)[1]}
    for name, value, unit in rows:
        if unit in EXACT and name not in recorded:
            yield f"{name}: is {value:.0f} {unit}, and was not recorded"
        elif unit in EXACT and value != recorded[name]:
            change = value - recorded[name]
            yield (
                f"{name}: was {recorded[name]:.0f} {unit}, is {value:.0f}: "
                f"{change:+.0f}, {change / recorded[name]:+.1%}"
            )


def other_versions():
    """A line for each program that is another than the one of the record."""
    for name, was in records.read(COUNTS)[0].items():
        if name in PROGRAMS and records.version(name) != was:
            yield f"(recorded with {name} {was}, this is {records.version(name)})"


def complaint(rows):
    """What to say to who has changed some count; nothing if nobody has."""
    lines = list(differences(rows))
    return "\n".join([*lines, *other_versions(), ADVICE]) if lines else ""


def record(rows):
    """Write down all rows, those that are exact apart from the others."""
    for path, exact in ((COUNTS, True), (TIMES, False)):
        some = [row for row in rows if (row[2] in EXACT) == exact]
        table = [(name, shown(value), unit) for name, value, unit in some]
        records.write(path, "make bench RECORD=1", records.head(*PROGRAMS), table)


def measured(wanted):
    """The rows of all that is wanted, each told as soon as it is known."""
    known = {measure.__name__: measure for measure in MEASURES}
    usual = list(known)
    known.update({suite: functools.partial(kernels, suite) for suite in suites()})
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"no measure {unknown[0]}; there are: {', '.join(known)}")
    for name in wanted or usual:
        for row in known[name]():
            print(f"{row[0]:36} {shown(row[1]):>10} {row[2]}", flush=True)
            yield row


def main(arguments):
    recording = arguments == ["--record"]
    rows = list(measured([] if recording else arguments))
    table = [f"{name}\t{shown(value)}\t{unit}\n" for name, value, unit in rows]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("".join(table))
    if recording:
        record(rows)
    elif complaint(rows):
        print(complaint(rows), file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])

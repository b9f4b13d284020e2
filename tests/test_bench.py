"""test_bench.py: make bench counts instructions exactly, and writes a table."""

import re
import subprocess
import sys

import pytest

import chapters
import elf

BENCH = chapters.ROOT / "tests/bench/bench.py"
sys.path.insert(0, str(BENCH.parent))

import bench  # noqa: E402
import irq_off  # noqa: E402
import records  # noqa: E402


def kernel():
    return chapters.build("01-boot", "gcc-O2", "all") / "kernel.elf"


def test_instructions_are_counted_exactly():
    symbols = elf.symbols(kernel())
    image = kernel().with_suffix(".iso")
    start = symbols["start"]
    listing = elf.tool("objdump", "-d", "-M", "i386", kernel())
    third = int(listing.split("<start>:\n")[1].splitlines()[2].split(":")[0], 16)
    assert bench.instructions_between(image, start, third) == 2
    counts = {
        bench.instructions_between(image, start, symbols["kernel_main"])
        for _ in range(2)
    }
    assert len(counts) == 1


def test_instructions_of_a_call_are_counted_exactly():
    """The function has no branches, so each of its instructions runs once."""
    elf_file = chapters.build("05-paging", "gcc-O2", "all") / "kernel.elf"
    listing = elf.tool("objdump", "-d", "--disassemble=frames_total", elf_file)
    instructions = re.findall(r"^f\w+:\t", listing, re.M)
    assert len(instructions) >= 2
    assert bench.instructions_of("05-paging", "frames_total") == len(instructions)


def test_start_is_measured_by_memory(monkeypatch):
    monkeypatch.setattr(bench, "MEMORY", {"16M": ["-m", "16M"], "1G": ["-m", "1G"]})
    rows = list(bench.memory_init())
    assert [row[0] for row in rows] == ["memory_init.16M", "memory_init.1G"]
    assert all(count > 1000 and unit == "instructions" for _, count, unit in rows)


def test_kernels_report_values():
    build = chapters.build(
        "01-boot", "gcc-O2", "build/gcc-O2/tests/bench/01-boot/clock.iso"
    )
    values = list(bench.values_of(build / "tests/bench/01-boot/clock.iso"))
    assert values == list(bench.values_of(build / "tests/bench/01-boot/clock.iso"))
    assert [(name, unit) for name, _, unit in values] == [
        ("rdtsc_pair", "instructions")
    ]
    assert 1 <= values[0][1] < 10


def test_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "RESULT", tmp_path / "bench.tsv")
    bench.main(["text_bytes"])
    rows = [line.split("\t") for line in bench.RESULT.read_text().splitlines()]
    names = [f"kernel_text_bytes.{name}" for name in chapters.names()]
    assert [row[0] for row in rows] == names
    assert all(int(value) > 0 and unit == "bytes" for _, value, unit in rows)
    assert len(capsys.readouterr().out.splitlines()) == len(rows)


def test_unknown_measure_lists_those_there_are():
    done = subprocess.run(
        [sys.executable, BENCH, "nonsense"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("no measure nonsense; there are: loops, ")


# What is recorded. Measured again is what does not take long.


def recorded():
    return {row[0]: float(row[1]) for row in records.read(bench.COUNTS)[1]}


def of_kernel(source, toolchain="gcc-O2"):
    return lambda: bench.values(source, bench.last(), toolchain)


MEASURES = {
    "text_bytes": bench.text_bytes,
    "entry_to_prompt": bench.entry_to_prompt,
    "irq_off_longest": bench.irq_off_longest,
    "trips": of_kernel("04-returning/trips"),
    "trips.clang": lambda: (
        (f"{name}.clang", value, unit)
        for name, value, unit in of_kernel("04-returning/trips", "clang-O2")()
    ),
    "faults": of_kernel("05-paging/faults"),
    "frames": of_kernel("05-paging/frames"),
    "interrupts": of_kernel("07-interrupts/interrupts"),
    "blocks": of_kernel("08-heap/blocks"),
    "threads": of_kernel("09-scheduling/threads"),
}


@pytest.mark.parametrize("measure", MEASURES)
def test_counts_are_those_recorded(measure):
    rows = list(MEASURES[measure]())
    assert rows and all(unit in bench.EXACT for _, _, unit in rows)
    told = bench.complaint(rows)
    assert not told, f"\n{told}"


def test_round_trip_of_an_exception_is_short():
    """The goal of chapter 04, for both compilers, on the last chapter."""
    counts = recorded()
    for compiler in ("", ".clang"):
        assert 40 < counts["int3_roundtrip" + compiler] <= 60
        assert counts["int3_naked" + compiler] == 2


def test_prompt_comes_soon():
    """The goal of all chapters, on small machines and large ones."""
    counts = recorded()
    for size in (".16M", "", ".4G"):
        assert 10_000 < counts["entry_to_prompt" + size] <= 2_000_000


@pytest.fixture
def record(tmp_path, monkeypatch):
    """A record of three rows."""
    monkeypatch.setattr(bench, "COUNTS", tmp_path / "counts.tsv")
    monkeypatch.setattr(bench, "TIMES", tmp_path / "times.tsv")
    bench.record([("a", 16, "instructions"), ("b", 8, "bytes"), ("c", 0.5, "ratio")])
    return bench.COUNTS


A, B = ("a", 16, "instructions"), ("b", 8, "bytes")


def test_counts_and_times_are_recorded_apart(record):
    assert records.read(record)[1] == [("a", "16", "instructions"), ("b", "8", "bytes")]
    assert records.read(bench.TIMES)[1] == [("c", "0.5", "ratio")]


def test_counts_that_are_the_same_are_not_told(record):
    assert bench.complaint([A, B, ("c", 0.7, "ratio"), ("d", 2, "ms")]) == ""


def test_count_that_differs_is_told(record):
    told = bench.complaint([("a", 20, "instructions"), B]).splitlines()
    assert told[0] == "a: was 16 instructions, is 20: +4, +25.0%"
    assert told[1:] == bench.ADVICE.splitlines() and "RECORD=1" in told[1]


def test_count_that_is_new_is_told(record):
    told = bench.complaint([A, B, ("d", 2, "pieces")])
    assert told.startswith("d: is 2 pieces, and was not recorded\n")


def test_other_compiler_is_told(record):
    gcc = records.version("gcc")
    record.write_text(record.read_text().replace(f"gcc\t{gcc}", "gcc\t1.0"))
    assert bench.complaint([A, B]) == ""
    told = bench.complaint([A, ("b", 7, "bytes")]).splitlines()
    assert told[:2] == [
        "b: was 8 bytes, is 7: -1, -12.5%",
        f"(recorded with gcc 1.0, this is {gcc})",
    ]


def test_stretches_with_interrupts_disabled_are_measured_exactly():
    """tests/bench/09-scheduling/masks.c: so many instructions, and sti, and the one
    behind it, after which an interrupt may come."""
    kernel = bench.kernel_of("09-scheduling/masks", "09-scheduling").with_suffix(".elf")
    names = irq_off.Names(kernel)
    found = irq_off.follow(kernel, bench.ICOUNT).longest()
    paths = {names.at(stretch.start): stretch.path for stretch in found}
    lengths = {name: len(path) for name, path in paths.items()}
    parts = {name: dict(names.parts(path)) for name, path in paths.items()}
    wanted = {"plain": 2002, "joined": 1404, "screen": 302, "string": 1003}
    assert {name: lengths[name] for name in wanted} == wanted
    assert parts["fault"]["fault"] == 4 and 40 < lengths["fault"] < 70
    assert parts["isr_3"]["handle"] == 3001 and lengths["isr_3"] < 3070
    assert list(lengths.values()) == sorted(lengths.values(), reverse=True)


CODE = {1: "cli", 3: "sti", 5: "iretq", 6: "popfq"}


def test_flag_that_is_not_what_it_should_be_is_told():
    def follower(*path):
        made = irq_off.Follower(CODE)
        for address in path:
            made.execute(address)
        return made

    off, on = 2, 2 | irq_off.IF
    follower(3, 4).enter(32, 4, on)
    follower(3).enter(14, 4, on)
    follower(3, 4, 1).enter(14, 2, off)
    for path, flags in (((3, 4), off), ((3, 4, 1), on), ((3, 1), on)):
        with pytest.raises(irq_off.LostError, match="flags"):
            follower(*path).enter(14, 9, flags)
    with pytest.raises(irq_off.LostError, match="may be either"):
        follower(6)
    with pytest.raises(irq_off.LostError, match="0 frames"):
        follower(3, 4, 5, 7)

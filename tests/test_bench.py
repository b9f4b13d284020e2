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
    assert [row[0] for row in rows] == [f"kernel_text.{n}" for n in chapters.names()]
    assert all(int(value) > 0 and unit == "bytes" for _, value, unit in rows)
    assert len(capsys.readouterr().out.splitlines()) == len(rows)


def test_unknown_measure_lists_those_there_are():
    done = subprocess.run(
        [sys.executable, BENCH, "nonsense"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("no measure nonsense; there are: loops, ")


def test_round_trip_of_an_exception_is_short():
    """The goal of chapter 04, for both compilers, on the last chapter."""
    for toolchain in ("gcc-O2", "clang-O2"):
        values = bench.values("04-returning/trips", bench.last(), toolchain)
        counts = {name: count for name, count, _ in values}
        assert 40 < counts["int3_round_trip"] <= 60
        assert counts["int3_naked"] == 2


def test_prompt_comes_soon():
    """The goal of all chapters, on small machines and large ones."""
    rows = list(bench.entry_to_prompt())
    names = [f"entry_to_prompt.{size}" for size in ("16M", "128M", "4G")]
    assert [row[0] for row in rows] == names
    assert all(10_000 < count <= 2_000_000 for _, count, _ in rows)


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

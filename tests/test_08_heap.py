"""test_08_heap.py: what the debugging heap and the compilers change, and what blocks
cost.

What the heap does, tests/kernel/08-heap/ looks at, and tests/panics/08-heap/.
"""

import sys

import pytest

import chapters
import ktap

sys.path.insert(0, str(chapters.ROOT / "tests/bench"))

import bench  # noqa: E402

SUITE = "tests/kernel/08-heap"
SECONDS = 120  # a debugging heap looks at each byte, and a machine may be busy


@pytest.mark.since("08-heap")
@pytest.mark.parametrize("toolchain", ["gcc-O2", "clang-O2"])
def test_suite_passes_with_a_debugging_heap(chapter, toolchain):
    build = chapters.build(chapter, toolchain, f"$(BUILD)/{SUITE}.iso", DEBUG="heap")
    sources = (chapters.ROOT / SUITE).glob("*.c")
    names = sum((ktap.tests_in(source.read_text()) for source in sources), [])
    report, everything = ktap.run(build / f"{SUITE}.iso", seconds=SECONDS)
    failed = [name for name, passed in report.results.items() if not passed]
    assert not failed, "\n".join(note for name in failed for note in report.notes[name])
    assert report.complaint(names) is None, everything


@pytest.mark.since("08-heap")
@pytest.mark.parametrize("toolchain", ["gcc-O2", "clang-O2"])
def test_small_blocks_are_cheap(chapter, toolchain):
    """The goal of the chapter: a block and back, in instructions."""
    values = bench.values("08-heap/blocks", chapter, toolchain)
    counts = {name: count for name, count, _ in values}
    assert 40 < counts["kmalloc_kfree_64"] <= 80
    assert counts["kmalloc_kfree_16"] == counts["kmalloc_kfree_64"]

"""test_memory_mutants.py: the kernel tests of chapter 05 see mistakes in the code
that hands out, maps and supplies memory."""

import pytest

import chapters
import mutants

SUITE = "kernel/05-paging"
SECONDS = 20  # the suite takes two
PARTS = 2  # for several workers

# A file, a piece of it, and what a mistake makes of that.
MISTAKES = [
    ("memory_map.c", "clamp(end < area->base ? UINT64_MAX : end)", "clamp(end)"),
    ("frames.c", "page_end < range->end ? page_end : range->end", "page_end"),
    ("direct_map.c", "address % GIGABYTE / LARGE", "address / LARGE"),
    ("paging.c", "*entry = 0;\n    invlpg((const void *)page);", "*entry = 0;"),
    ("paging.c", "| flags;\n    invlpg((const void *)page);", "| flags;"),
    ("page_fault.c", "    page_clear(direct_map(frame));\n", ""),
]


@pytest.fixture(scope="module")
def laboratory():
    laboratory = mutants.Laboratory("05-paging", SUITE)
    mutants.check_original(laboratory, "paging.c")
    return laboratory


def mutant(file, old, new):
    text = (chapters.directory("05-paging") / file).read_text()
    assert text.count(old) == 1, (file, old)
    return mutants.Mutant(f"{file}: {old!r}", text.replace(old, new), file)


@pytest.mark.only("05-paging")
@pytest.mark.parametrize("part", range(PARTS))
def test_no_mistake_goes_unseen(chapter, part, laboratory):
    known = [(n, mutant(*mistake)) for n, mistake in enumerate(MISTAKES, 1)]
    known = known[part::PARTS]
    told = []
    alive = mutants.unseen(
        laboratory, known, SECONDS, PARTS, tell=lambda _, why: told.append(why)
    )
    assert alive == []
    assert "it does not build" not in told  # that is no test

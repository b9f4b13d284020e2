"""test_mutants.py: the register test of chapter 04 sees mistakes in isr.asm."""

import pytest

import chapters
import mutants

PARTS = 3  # for several workers


def distinct():
    """The chapters whose isr.asm is not that of the chapter before."""
    seen = None
    for chapter in chapters.since("04-returning"):
        text = (chapters.directory(chapter) / "isr.asm").read_text()
        if text != seen:
            yield chapter
        seen = text


@pytest.mark.only(*distinct())
@pytest.mark.parametrize("part", range(PARTS))
def test_no_mistake_goes_unseen(chapter, part):
    """A sample; tests/mutants.py --all tries every pair of registers."""
    assert mutants.survivors(chapter, part=part, parts=PARTS) == []


def test_every_pair_of_registers_is_a_mutant():
    path = chapters.directory("04-returning") / "isr.asm"
    names = [m.name for m in mutants.mutants(mutants.Source(path.read_text()), True)]
    assert len([name for name in names if name.startswith("pop ")]) >= 105
    assert len([name for name in names if name.endswith(" swapped")]) == 210
    assert len(set(names)) == len(names)

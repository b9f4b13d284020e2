"""test_instrumented.py: kernels with checks compiled in do nothing wrong, and those
that do, tests/instrumented/planted/, are found out."""

import re

import pytest

import chapters
import instrumented

PLANTED = chapters.ROOT / "tests/instrumented/planted"
LAST = chapters.names()[-1]
SUITES = ["03-exceptions", "04-returning", "08-heap"]  # make instrumented runs all


@pytest.mark.parametrize("suite", SUITES)
def test_nothing_wrong_is_found(suite):
    wrong = instrumented.complaint(LAST, suite)
    assert wrong is None, wrong


@pytest.mark.parametrize("path", PLANTED.glob("*/*.c"), ids=lambda path: path.stem)
def test_planted_mistake_is_found(path):
    wanted = re.search(r"^// Found: (.*)$", path.read_text(), re.M)[1]
    image = path.relative_to(chapters.ROOT / "tests").with_suffix("")
    told, _, everything = instrumented.run(LAST, str(image))
    assert len(told) == 1 and re.fullmatch(wanted, told[0]), everything

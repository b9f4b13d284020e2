"""test_flags.py: the flags of kernel.mk, and what goes wrong without them."""

import pytest

import flags


@pytest.mark.only("04-returning")
def test_each_flag_cures_its_danger(chapter):
    """And no flag cures a stub that saves nothing: that has to be written."""
    header, *rows = flags.write(chapter)
    assert header == ("compiler", "flags", "red_zone", "rax", "xmm0")
    assert len(rows) == 8
    for compiler, given, red_zone, rax, xmm0 in rows:
        where = f"{compiler} {given}"
        assert (red_zone == "intact") == ("-mno-red-zone" in given), where
        assert (xmm0 == "intact") == ("-mgeneral-regs-only" in given), where
        assert rax == "clobbered", where

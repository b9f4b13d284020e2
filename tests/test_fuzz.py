"""test_fuzz.py: the kernel bears all inputs that are kept in tests/fuzz/corpus/, and
they are worth keeping: each mistake below is seen by them alone."""

import pytest

import chapters
import fuzz

# Of each harness: a file, a piece of it, and what a mistake makes of that.
MISTAKES = {
    "backtrace": [
        ("backtrace.c", "walk->rbp <= walk->below ||", "walk->rbp < walk->below ||"),
        ("backtrace.c", "walk->rbp % sizeof(*link) != 0 ||", ""),
        ("symbols.c", "symbol->address <= address", "symbol->address < address"),
    ],
    "boot_info": [
        ("boot_info.c", "tag->size > end - at", "tag->size > end - at + 8"),
        ("boot_info.c", "tag->size < sizeof(*tag) ||", ""),
        ("boot_info.c", "< limit ? name : NULL", "<= limit ? name : NULL"),
        ("boot_info.c", "tag->size > offsetof(struct framebuffer, type) &&", ""),
    ],
    "devices": [
        ("keyboard.c", "if ((status & STATUS_FROM_MOUSE) == 0)", "if (status)"),
        ("keyboard.c", "i < PATIENCE; i++) {\n        uint8_t",
         "i >= 0; i++) {\n        uint8_t"),
        ("serial.c", "i < PATIENCE; i++) {\n        if ((inb(UART_LSR) &",
         "i >= 0; i++) {\n        if ((inb(UART_LSR) &"),
    ],
    "line": [
        ("line.c", "line->size == LINE_MAX", "line->size > LINE_MAX"),
        ("line.c", "from >= to || to > line->size", "from >= to"),
        ("line.c", "show_rest(line, to - from)", "show_rest(line, 0)"),
    ],
    "memory_map": [
        ("memory_map.c", "clamp(end < area->base ? UINT64_MAX : end)", "clamp(end)"),
        ("memory_map.c", "end - at >= map->area_size", "end - at > 0"),
        ("memory_map.c", "read_areas(map, usable, false);", ""),
        ("memory_map.c", "tag->size < sizeof(*module) ||", ""),
        ("ranges.c", "set->count == RANGES_MAX", "set->count > RANGES_MAX"),
        ("frames.c", "page_end < range->end ? page_end : range->end", "page_end"),
    ],
    "monitor": [
        ("monitor.c", "count < 1 || count > 9999", "count > 9999"),
        ("monitor.c", "__builtin_add_overflow(*number, digit, number))", "0) {}"
         " *number += digit; if (0)"),
        ("monitor.c", "while (*line == ' ')", "if (*line == ' ')"),
    ],
    "printf": [
        ("printf.c", "clamp(number * 10 + *(*format)++ - '0')",
         "number * 10 + *(*format)++ - '0'"),
        ("printf.c", "(size_t)out->length + 1 < out->size",
         "(size_t)out->length <= out->size"),
        ("printf.c", "-(uint64_t)value", "-value"),
        ("printf.c", "MAX_DIGITS = 20", "MAX_DIGITS = 19"),
    ],
    "scancodes": [
        ("scancodes.c", "pressed && code < CODES ?", "pressed ?"),
        ("scancodes.c", "|| code >= CODES)", "|| code > CODES + 1)"),
        ("scancodes.c", "pressed && !state->caps_held", "pressed"),
    ],
    "terminal": [
        ("terminal.c", "if (terminal->number < 1000)", "if (true)"),
        ("terminal.c", "    case 6:\n", ""),
        ("terminal.c", "byte >= ' ' && byte < '@'", "byte < '@'"),
    ],
}  # fmt: skip
FILES, BYTES = 600, 200_000  # of the corpus, at most

VERSIONS = [version for name in fuzz.HARNESSES for version in fuzz.versions(name)]


@pytest.mark.xdist_group("fuzz")
@pytest.mark.parametrize("version", VERSIONS, ids="-".join)
def test_what_is_kept_does_no_harm(version):
    program = fuzz.Copy(version.chapter).program(version.harness)
    fuzz.replay(version.harness, program)


@pytest.mark.xdist_group("fuzz")
@pytest.mark.parametrize("harness", fuzz.HARNESSES)
def test_what_is_kept_sees_mistakes(harness, tmp_path, monkeypatch):
    for sanitizer in ("ASAN", "UBSAN"):  # where it is does not matter
        monkeypatch.setenv(f"{sanitizer}_OPTIONS", "symbolize=0")
    copy = fuzz.Copy(chapters.names()[-1]).twin(harness, tmp_path)
    for file, old, new in MISTAKES[harness]:
        copy.change(file, old, new)
        program = copy.program(harness)
        with pytest.raises(fuzz.FuzzError, match="SUMMARY: |not so: "):
            fuzz.replay(harness, program)
        copy.restore(file)


def test_every_harness_has_mistakes_and_a_corpus():
    names = {path.stem for path in fuzz.SOURCE.glob("*.c")}
    assert names == set(fuzz.HARNESSES) == set(MISTAKES)
    assert names == {path.name for path in fuzz.CORPUS.iterdir()}


def test_what_is_kept_is_small():
    sizes = [path.stat().st_size for path in fuzz.CORPUS.glob("*/*")]
    assert len(sizes) <= FILES and sum(sizes) <= BYTES

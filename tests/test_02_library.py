"""test_02_library.py: printf and the string functions against a C library.

A chapter's printf.c and string.c are built for the host and called beside the
functions of the host's own library: with every combination of flags, width,
precision, length and conversion, and with values that are drawn from a seed.
"""

import ctypes
import functools
import itertools
import platform
import random
import subprocess
import tempfile

import pytest

import chapters

pytestmark = [
    pytest.mark.since("02-vga"),
    pytest.mark.skipif(
        platform.machine() not in ("x86_64", "AMD64"),
        reason="string.c has instructions of the x86 in it",
    ),
]

CONSOLE = """
char console[256];
int length, locked;
void console_putc(char c) { console[length++] = c; }
_Bool console_lock(void) { return locked = 1; }
void console_unlock(void) { locked = 0; }
"""

HOST = ctypes.CDLL(None)
ROOM = 256
UNTOUCHED = b"\xaa"


@functools.cache
def library(chapter):
    """The chapter's functions, as a shared library."""
    source = chapters.directory(chapter)
    command = "gcc -shared -fPIC -Wl,-Bsymbolic -std=gnu17 -O2 -ffreestanding".split()
    command += [f"-I{source}", source / "printf.c", source / "string.c", "-xc", "-"]
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/library.so"
        subprocess.run([*command, "-o", path], input=CONSOLE, text=True, check=True)
        return ctypes.CDLL(path)


@pytest.fixture
def ours(chapter):
    return library(chapter)


def prints(snprintf, size, form, arguments):
    """What SNPRINTF returns, and all of a buffer larger than SIZE."""
    buffer = ctypes.create_string_buffer(UNTOUCHED * ROOM, ROOM)
    returned = snprintf(buffer, ctypes.c_size_t(size), form, *arguments)
    return returned, buffer.raw


def assert_same(ours, form, arguments, size=ROOM):
    form = form.encode()
    mine = prints(ours.snprintf, size, form, arguments)
    reference = prints(HOST.snprintf, size, form, arguments)
    assert mine == reference, (form, arguments, size)


# ---- printf: one directive

FLAGS = ["", "-", "0", "-0", "0-", "00", "--"]
WIDTHS = ["", "1", "7", "30", "*"]
PRECISIONS = ["", ".", ".0", ".1", ".6", ".25", ".*"]
STARS = {"*": [0, 5, 21, -1, -21], ".*": [0, 5, 21, -1, -21]}
LENGTHS = {
    "hh": ctypes.c_int,
    "h": ctypes.c_int,
    "": ctypes.c_int,
    "l": ctypes.c_long,
    "ll": ctypes.c_longlong,
    "z": ctypes.c_size_t,
}
EDGES = [0, 1, 9, 10, 15, 16, 99, 100]
EDGES += [2**n + d for n in (7, 8, 15, 16, 31, 32, 63, 64) for d in (-1, 0, 1)]
EDGES += [-value for value in EDGES]


def numbers(seed):
    """Values without end: the edges, then all kinds of sizes."""
    source = random.Random(seed)
    yield from EDGES
    while True:
        yield source.getrandbits(source.randint(1, 64))


def stars(*parts):
    """The values for the stars in a directive's parts: each combination."""
    lists = [STARS[part] for part in parts if part in STARS]
    for values in itertools.product(*lists):
        yield [ctypes.c_int(value) for value in values]


@pytest.mark.parametrize("conversion", "diuxX")
def test_every_kind_of_integer(ours, conversion):
    values = numbers(seed=conversion)
    shapes = itertools.product(FLAGS, WIDTHS, PRECISIONS, LENGTHS)
    for flags, width, precision, length in shapes:
        form = f"[%{flags}{width}{precision}{length}{conversion}]"
        for dynamic in stars(width, precision):
            for value in itertools.islice(values, 4):
                argument = LENGTHS[length](value)
                assert_same(ours, form, [*dynamic, argument])


@pytest.mark.parametrize("conversion", "diuxX")
@pytest.mark.parametrize("length", LENGTHS)
def test_every_edge(ours, length, conversion):
    for value in itertools.islice(numbers(seed=2), 100):
        for shape in ("", "25", "-25", "025", ".25", ".0", "5.3"):
            form = f"[%{shape}{length}{conversion}]"
            assert_same(ours, form, [LENGTHS[length](value)])


TEXTS = [b"", b"a", b"abc", b"%d%s%n", b"\t\n\x01\xff", bytes(range(1, 120))]


def test_every_kind_of_string(ours):
    for flags, width, precision in itertools.product(["", "-"], WIDTHS, PRECISIONS):
        for dynamic in stars(width, precision):
            for text in TEXTS:
                form = f"[%{flags}{width}{precision}s]"
                assert_same(ours, form, [*dynamic, ctypes.c_char_p(text)])


def test_string_is_read_no_further_than_its_precision(ours):
    """Right behind the characters lies a page that cannot be read."""
    page = 4096
    memory = HOST.mmap
    memory.restype = ctypes.c_void_p
    start = memory(None, ctypes.c_size_t(2 * page), 3, 0x22, -1, ctypes.c_long(0))
    assert HOST.mprotect(ctypes.c_void_p(start + page), ctypes.c_size_t(page), 0) == 0
    ctypes.memset(start, ord("x"), page)
    text = ctypes.c_void_p(start + page - 5)
    assert prints(ours.snprintf, ROOM, b"%.5s", [text])[0] == 5
    assert ours.strnlen(text, ctypes.c_size_t(5)) == 5
    HOST.munmap(ctypes.c_void_p(start), ctypes.c_size_t(2 * page))


def test_every_kind_of_character(ours):
    for flags, width in itertools.product(["", "-"], WIDTHS):
        for dynamic in stars(width):
            for code in [*range(256), -1, 256, 0x141]:
                form = f"[%{flags}{width}c]"
                assert_same(ours, form, [*dynamic, ctypes.c_int(code)])


def test_every_kind_of_pointer_but_null(ours):
    for flags, width in itertools.product(["", "-", "0"], ["", "1", "8", "30"]):
        for value in (1, 0xB8000, 0xFFFFFFFF80000000, 2**64 - 1):
            assert_same(ours, f"[%{flags}{width}p]", [ctypes.c_void_p(value)])


# ---- printf: what differs from glibc


def text_of(ours, form, *arguments):
    returned, buffer = prints(ours.snprintf, ROOM, form, arguments)
    assert returned == buffer.index(0)
    return buffer[:returned]


def test_null_pointer_is_a_number(ours):
    """glibc: (nil). C17 leaves it to the implementation."""
    assert text_of(ours, b"%p|%8p|%-8p|", None, None, None) == b"0x0|     0x0|0x0     |"


def test_null_string_is_cut_like_others(ours):
    """glibc prints (null) or nothing. In C17 it is undefined."""
    assert text_of(ours, b"%s|%8s|%.3s|", None, None, None) == b"(null)|  (null)|(nu|"


@pytest.mark.parametrize("directive", ["f", "5.1e", "n", "+d", " d", "#x", "'d", "jd", ""])
def test_what_is_unknown_prints_the_rest_as_it_stands(ours, directive):
    form = f"%d %{directive}"
    if directive:
        form += " %d %s"
    told = text_of(ours, form.encode(), ctypes.c_int(1), ctypes.c_int(2))
    assert told == b"1" + form[2:].encode()


# ---- printf: many directives, little room


def directive(source):
    """A directive and its arguments, drawn from SOURCE."""
    kind = source.choice("number number text character percent plain".split())
    width = source.choice(["", "", "3", "12"])
    if kind == "number":
        length = source.choice(list(LENGTHS))
        flags = source.choice(FLAGS)
        precision = source.choice(["", "", ".4"])
        value = LENGTHS[length](source.getrandbits(source.randint(1, 64)))
        return f"%{flags}{width}{precision}{length}{source.choice('diuxX')}", [value]
    if kind == "text":
        return f"%{width}s", [ctypes.c_char_p(source.choice(TEXTS[:4]))]
    if kind == "character":
        return f"%{width}c", [ctypes.c_int(source.randint(1, 255))]
    return ("%%", []) if kind == "percent" else ("plain text", [])


def drawn(seed, count):
    """Formats of up to eight directives, and their arguments."""
    source = random.Random(seed)
    for _ in range(count):
        parts = [directive(source) for _ in range(source.randint(0, 8))]
        form = "".join(form for form, _ in parts)
        yield form, sum((arguments for _, arguments in parts), []), source


def test_many_directives_in_a_buffer_of_any_size(ours):
    for form, arguments, source in drawn(seed=3, count=3000):
        length = ours.snprintf(None, ctypes.c_size_t(0), form.encode(), *arguments)
        for size in (0, 1, source.randint(2, 20), length, length + 1, ROOM):
            assert_same(ours, form, arguments, size)


def test_printf_writes_the_same_to_the_console(ours):
    console = (ctypes.c_char * ROOM).in_dll(ours, "console")
    length, locked = (ctypes.c_int.in_dll(ours, n) for n in ("length", "locked"))
    for form, arguments, _ in drawn(seed=4, count=1000):
        length.value = 0
        returned, buffer = prints(HOST.snprintf, ROOM, form.encode(), arguments)
        assert ours.printf(form.encode(), *arguments) == returned == length.value
        assert console.raw[:returned] == buffer[:returned] and not locked.value


# ---- Strings


def sign(number):
    return (number > 0) - (number < 0)


def areas(seed, count, size=200):
    """Pairs of places in SIZE bytes, and how many bytes fit behind both."""
    source = random.Random(seed)
    for _ in range(count):
        a, b = source.randrange(size), source.randrange(size)
        yield source, a, b, source.randint(0, size - max(a, b))


def at(buffer, offset):
    return ctypes.c_void_p(ctypes.addressof(buffer) + offset)


def test_memmove_and_memcpy_copy(ours):
    ours.memmove.restype = ours.memcpy.restype = ctypes.c_void_p
    for source, to, origin, size in areas(seed=5, count=5000):
        data = source.randbytes(200)
        expected = data[:to] + data[origin : origin + size] + data[to + size :]
        moved = ctypes.create_string_buffer(data, 200)
        returned = ours.memmove(at(moved, to), at(moved, origin), ctypes.c_size_t(size))
        assert returned == at(moved, to).value
        assert moved.raw == expected, (to, origin, size)

        copied = ctypes.create_string_buffer(data, 200)
        returned = ours.memcpy(at(copied, to), data[origin:], ctypes.c_size_t(size))
        assert returned == at(copied, to).value
        assert copied.raw == expected, (to, origin, size)


def test_memset_fills(ours):
    ours.memset.restype = ctypes.c_void_p
    for source, to, _, size in areas(seed=6, count=3000):
        data, byte = source.randbytes(200), source.randint(-300, 300)
        buffer = ctypes.create_string_buffer(data, 200)
        returned = ours.memset(at(buffer, to), byte, ctypes.c_size_t(size))
        assert returned == at(buffer, to).value
        fill = bytes([byte & 0xFF]) * size
        assert buffer.raw == data[:to] + fill + data[to + size :]


def test_comparisons_have_the_signs_of_the_host(ours):
    source = random.Random(7)
    for _ in range(5000):
        a = source.randbytes(20)
        b = bytes(source.choice([c, c, c, c, source.randrange(256)]) for c in a)
        size = ctypes.c_size_t(source.randint(0, 20))
        assert sign(ours.memcmp(a, b, size)) == sign(HOST.memcmp(a, b, size))
        a, b = (text[: source.randint(0, 20)] for text in (a, b))
        assert sign(ours.strcmp(a, b)) == sign(HOST.strcmp(a, b)), (a, b)


def test_lengths_are_those_of_the_host(ours):
    source = random.Random(8)
    for _ in range(2000):
        text = bytes(source.randint(0, 9) for _ in range(20))
        limit = ctypes.c_size_t(source.randint(0, 25))
        assert ours.strlen(text) == HOST.strlen(text)
        assert ours.strnlen(text, limit) == HOST.strnlen(text, limit)

"""test_08_heap_monitor.py: the heap, asked for and given back at the kernel's prompt.

What its parts do, tests/kernel/08-heap/ looks at. Writes to where nobody should write
are made from outside: no command does that.
"""

import functools
import re

import pytest

import chapters
import elf
import images
from qemu import Machine
from test_06_double_faults import REPORT
from test_07_interrupts import ASKS, UPTIME, areas, assert_halted_for_good
from told import NUMBER

CHAPTER = "08-heap"
PAGE = 4096
SMALL = 1904  # bytes, of the largest block that shares its frame
LARGE_BLOCKS, LARGE_BLOCKS_SIZE = 0xFFFF_D000_0000_0000, 28 << 40
DIRECT_MAP = images.DIRECT_MAP
ADDRESS = r"0x([0-9a-f]{16})\n"
NO_MEMORY = "there is not enough memory\n"
HEADING = "blocks of   in use     free   frames\n"
BEHIND = "no block of the heap: it is free, or this is behind its end"
CODE = b"\x48\xb8%s\xc6\x00\x00\xc3"  # mov rax, address; mov byte [rax], 0; ret


@functools.cache
def debug_kernel():
    """The directory of a kernel that was made with DEBUG=heap."""
    compiler, optimization = chapters.TOOLCHAINS[images.TOOLCHAIN]
    products = f"build/{images.TOOLCHAIN}-heap"
    options = {"CC": compiler, "OPT": optimization, "BUILD": products}
    chapters.make(CHAPTER, "all", DEBUG="heap", **options)
    return chapters.directory(CHAPTER) / products


@pytest.fixture
def prompt(chapter):
    """The kernel, at its prompt."""
    with Machine(images.image(chapter), seconds=60) as machine:
        assert machine.run_to_prompt() == ASKS, machine.report("no prompt")
        yield machine


class Debugged:
    """A kernel, brought to its prompt, and the debugger through which it is changed."""

    def __init__(self, machine, kernel):
        self.machine = machine
        self.uptime = elf.symbols(kernel)["uptime"]
        self.stub = machine.gdb()
        self.stub.go_on()
        assert machine.run_to_prompt() == ASKS, machine.report("no prompt")

    def write_zero(self, address):
        """Have the kernel write a byte, in place of its command uptime; what it says."""
        self.stub.stop()
        self.stub.write_memory(self.uptime, CODE % address.to_bytes(8, "little"))
        self.stub.go_on()
        return self.machine.ask("uptime")


@pytest.fixture
def debugged(chapter):
    """The same, with a debugger."""
    with Machine(images.image(chapter), gdb=True, seconds=60) as machine:
        yield Debugged(machine, images.kernel(chapter))


@pytest.fixture
def debugging(chapter):
    """The same for a kernel that was made with DEBUG=heap."""
    with Machine(debug_kernel() / "kernel.iso", gdb=True, seconds=60) as machine:
        yield Debugged(machine, debug_kernel() / "kernel.elf")


def alloc(machine, size):
    """The address of a new block."""
    told = machine.ask(f"alloc {size}")
    found = re.fullmatch(ADDRESS, told)
    assert found, told
    return int(found[1], 16)


def free(machine, block):
    """What the kernel says to that: nothing, if all is well."""
    return machine.ask(f"free {block:#x}")


def heap(machine):
    """{size: (blocks in use, free ones, frames)} and the numbers of large blocks and
    of their frames."""
    told = machine.ask("heap")
    assert told.startswith(HEADING), told
    rows = re.findall(r"^ +(\d+) +(\d+) +(\d+) +(\d+)$", told, re.M)
    large = re.search(r"^(\d+) large blocks, of (\d+) frames\n\Z", told, re.M)
    assert large and len(told.splitlines()) == len(rows) + 2, told
    numbers = [tuple(map(int, row)) for row in rows]
    return {size: rest for size, *rest in numbers}, (int(large[1]), int(large[2]))


def frames_free(machine):
    return int(re.match(r"(\d+) of \d+ frames are free\n", machine.ask("mem"))[1])


def alive(machine):
    return re.fullmatch(UPTIME, machine.ask("uptime"))


# Asking and giving back


@pytest.mark.only(CHAPTER)
def test_help_lists_the_commands(prompt):
    told = prompt.ask("help")
    for line in ("heap", "alloc +BYTES", "free +BLOCK"):
        assert re.search(rf"^{line} +\w", told, re.M), line


@pytest.mark.only(CHAPTER)
def test_large_blocks_have_an_area(prompt):
    whole = [(LARGE_BLOCKS, LARGE_BLOCKS + LARGE_BLOCKS_SIZE)]
    assert areas(prompt.ask("mem"), "rw- large blocks") == whole


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("uefi", [False, True], ids=["BIOS", "UEFI"])
def test_blocks_are_given_and_taken_back(chapter, uefi):
    """Of both kinds, by each firmware."""
    image = images.hybrid(chapter) if uefi else images.image(chapter)
    sizes = [0, 1, 16, 17, 100, 100, SMALL, SMALL + 1, PAGE, PAGE + 1, 100_000]
    with Machine(image, uefi=uefi, seconds=120) as machine:
        assert machine.ask("heap") == f"{HEADING}0 large blocks, of 0 frames\n"
        blocks = {}
        for size in sizes:
            block = alloc(machine, size)
            is_large = size > SMALL
            assert block not in blocks and block % (PAGE if is_large else 16) == 0
            assert (block - LARGE_BLOCKS in range(LARGE_BLOCKS_SIZE)) == is_large
            assert is_large or block > DIRECT_MAP
            blocks[block] = size
        small, large = heap(machine)
        used = {size: row[0] for size, row in small.items()}
        assert used == {16: 3, 32: 1, 112: 2, SMALL: 1}
        assert large == (4, 1 + 1 + 2 + 25)
        for block in blocks:
            assert free(machine, block) == ""
        small, large = heap(machine)
        assert [row[0] for row in small.values()] == [0] * 4 and large == (0, 0)
        assert alloc(machine, 100_000) == max(blocks), "the same slot again"


@pytest.mark.only(CHAPTER)
def test_all_blocks_of_a_frame_are_there(prompt):
    """Two of the largest small ones fill it; a third one needs another frame, and
    goes with it."""
    first, second = alloc(prompt, SMALL), alloc(prompt, SMALL)
    assert first // PAGE == second // PAGE
    assert heap(prompt)[0] == {SMALL: [2, 0, 1]}
    third = alloc(prompt, SMALL)
    assert third // PAGE != first // PAGE
    assert heap(prompt)[0] == {SMALL: [3, 1, 2]}
    assert free(prompt, first) == free(prompt, third) == ""
    assert heap(prompt)[0] == {SMALL: [1, 1, 1]}


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize(
    "number", ["", "x", "-1", "5x", "5 5", "0x5", "1e3", f"{2**64}", "9" * 50]
)
def test_alloc_needs_a_number(prompt, number):
    assert prompt.ask(f"alloc {number}") == "how many bytes?\n"
    assert prompt.ask("heap") == f"{HEADING}0 large blocks, of 0 frames\n"


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize(
    "address", ["", "0x", "x", "5", "0X5", "0x5g", "0x5 5", "0x5A", "-0x5", f"0x1{'0' * 16}"]
)
def test_free_needs_an_address(prompt, address):
    assert prompt.ask(f"free {address}") == "which block, 0x...?\n"
    assert alive(prompt)


@pytest.mark.only(CHAPTER)
def test_null_can_be_freed(prompt):
    assert prompt.ask("free 0x0") == prompt.ask("free 0x0000000000000000") == ""
    assert alive(prompt)


# Too much


HUGE = [2**64 - 1, 2**64 - PAGE, 2**63, 2**48, 28 << 40, 1 << 40, 128 << 20]


@pytest.mark.only(CHAPTER)
def test_there_is_not_as_much(prompt):
    before = frames_free(prompt)
    for size in HUGE:
        assert prompt.ask(f"alloc {size}") == NO_MEMORY, size
    assert frames_free(prompt) == before
    assert heap(prompt) == ({}, (0, 0))


def fill(machine):
    """Allocate until there is nothing left: large blocks first, then smaller ones."""
    blocks = []
    for size in (3_000_000, 300_000, 30_000, SMALL):
        while (told := machine.ask(f"alloc {size}")) != NO_MEMORY:
            blocks.append(int(re.fullmatch(ADDRESS, told)[1], 16))
            assert len(blocks) < 200
    return blocks


@pytest.mark.only(CHAPTER)
def test_memory_ends_and_comes_back(chapter):
    """The tables of large blocks stay, so the second time all is as the first."""
    with Machine(images.image(chapter), "-m", "32M", seconds=120) as machine:
        first = fill(machine)
        assert len(first) == len(set(first)) > 10
        assert frames_free(machine) == 0
        for size in (0, 100, PAGE):
            assert machine.ask(f"alloc {size}") == NO_MEMORY
        assert free(machine, first[0]) == ""
        large = frames_free(machine)
        assert large == -(-3_000_000 // PAGE)
        again = alloc(machine, 100)
        assert free(machine, again) == ""
        for block in first[1:]:
            assert free(machine, block) == ""
        small, large = heap(machine)
        assert all(row[0] == 0 for row in small.values()) and large == (0, 0)
        second = fill(machine)
        assert len(second) == len(first) and frames_free(machine) == 0


# Wrong uses


def assert_panics(machine, told, what):
    assert re.fullmatch(rf"\npanic at \w+\.c:\d+: {what}\n", told), told
    assert_halted_for_good(machine)


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("others", [0, 1], ids=["alone", "with another"])
def test_small_block_is_freed_twice(prompt, others):
    for _ in range(others):
        alloc(prompt, 100)
    block = alloc(prompt, 100)
    assert free(prompt, block) == ""
    what = rf"the block of 112 bytes at {block:#x} is free already"
    assert_panics(prompt, free(prompt, block), what)


@pytest.mark.only(CHAPTER)
def test_large_block_is_freed_twice(prompt):
    block = alloc(prompt, 3 * PAGE)
    assert free(prompt, block) == ""
    what = rf"the large block {block:#x} is free already, or never was one"
    assert_panics(prompt, free(prompt, block), what)


NONE = "{at:#x} is no block of the heap"
INSIDE = f"{NONE}, but in one of 112 bytes at {{of:#x}}"
NEVER = "the large block {at:#x} is free already, or never was one"

# What is no block: by what is to be added to the small block of 100 bytes, or to the
# large one of two pages, or nothing; and what is said.
GARBAGE = {
    "inside": ("small", 16, INSIDE),
    "askew": ("small", 1, INSIDE),
    "slab": ("page", 0, NONE),
    "map": ("page", 64, NONE),
    "second page": ("large", PAGE, NONE),
    "large, askew": ("large", 16, NONE),
    "next slot": ("large", 4 * PAGE, NEVER),
    "low": ("none", 0x5, NONE),
    "demand-zero": ("none", 0xFFFF_C000_0000_0000, NONE),
    "non-canonical": ("none", 0x8000_0000_0000_0000, NONE),
    "code": ("none", 0xFFFF_FFFF_8010_1000, NONE),
    "last": ("none", 0xFFFF_FFFF_FFFF_FFFF, NONE),
    "order 0": ("none", LARGE_BLOCKS, NEVER),
    "behind the area": ("none", LARGE_BLOCKS + LARGE_BLOCKS_SIZE, NONE),
}  # fmt: skip


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_freed(prompt, name):
    base, offset, what = GARBAGE[name]
    small, large = alloc(prompt, 100), alloc(prompt, 2 * PAGE)
    start = {"small": small, "page": small // PAGE * PAGE, "large": large, "none": 0}[base]
    at = start + offset
    assert_panics(prompt, free(prompt, at), what.format(at=at, of=small))


@pytest.mark.only(CHAPTER)
def test_frame_that_is_no_slab_is_told(prompt):
    """Memory below the kernel, which holds what the firmware has left there."""
    at = DIRECT_MAP + 2 * PAGE
    assert_panics(prompt, free(prompt, at), f"{at:#x} is no block of the heap")


def assert_faults(machine, told, where, function):
    """WHERE is the address, and what is said of it."""
    address, meaning = where
    title = r"\n#PF page fault, vector 14\nerror code 0x\w+: .*\n"
    assert re.match(rf"{title}cr2 {address:016x}: {meaning}\n{REPORT}", told), told
    assert re.search(rf"^  {NUMBER} (\w+)\+0x\w+$", told, re.M)[1] == function
    assert told.endswith("\nhalted\n")
    assert_halted_for_good(machine)


@pytest.mark.only(CHAPTER)
def test_address_where_no_memory_is(prompt):
    """In the direct map, but there is no frame: that is a page fault in kfree."""
    block = DIRECT_MAP + (100 << 30)
    told = free(prompt, block + 64)
    cr2 = int(re.search(r"^cr2 (\w+)", told, re.M)[1], 16)
    assert cr2 // PAGE == block // PAGE
    meaning = "direct map of memory that is not in use"
    assert_faults(prompt, told, (cr2, meaning), "kfree")


# Writes to where nobody should write


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("pages", [1, 2, 3, 7])
def test_write_behind_a_large_block_is_a_fault(debugged, pages):
    """Two such blocks are neighbours, and there is a page between them."""
    first, second = alloc(debugged.machine, pages * PAGE), alloc(debugged.machine, pages * PAGE)
    end = first + pages * PAGE
    assert second > end
    assert debugged.write_zero(end - 1) == ""
    assert debugged.write_zero(second) == ""
    told = debugged.write_zero(end)
    assert_faults(debugged.machine, told, (end, BEHIND), "uptime")


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("slot", [0, 1])
def test_write_before_a_large_block_is_a_fault(debugged, slot):
    block = [alloc(debugged.machine, PAGE) for _ in range(slot + 1)][slot]
    told = debugged.write_zero(block - 1)
    assert_faults(debugged.machine, told, (block - 1, BEHIND), "uptime")


@pytest.mark.only(CHAPTER)
def test_write_to_a_large_block_that_is_free_is_a_fault(debugged):
    block = alloc(debugged.machine, 2 * PAGE)
    assert free(debugged.machine, block) == ""
    told = debugged.write_zero(block + PAGE)
    assert_faults(debugged.machine, told, (block + PAGE, BEHIND), "uptime")


# With DEBUG=heap


@pytest.mark.only(CHAPTER)
def test_debugging_kernel_works(debugging):
    """And has 32 bytes less of each block."""
    sizes = [0, 1, 16, 17, 100, SMALL - 32, SMALL - 31, PAGE - 32, PAGE - 31, 100_000]
    blocks = [alloc(debugging.machine, size) for size in sizes]
    small, large = heap(debugging.machine)
    used = {size: row[0] for size, row in small.items()}
    assert used == {32: 1, 48: 2, 64: 1, 160: 1, SMALL: 1}
    assert large == (4, 1 + 1 + 2 + 25)
    for size in HUGE:
        assert debugging.machine.ask(f"alloc {size}") == NO_MEMORY, size
    for block in blocks:
        assert free(debugging.machine, block) == ""
    small, large = heap(debugging.machine)
    assert [row[0] for row in small.values()] == [0] * 5 and large == (0, 0)


def told_of(block, size, byte, verb, function):
    """What is said when byte 0 was written to a block."""
    kind = "free block" if verb == "freed" else "block"
    return (
        rf"\n{kind} of {size} bytes at {block:#x}, {verb} by {NUMBER} {function}\+0x\w+\n"
        rf"\npanic at heap_debug\.c:\d+: somebody wrote to byte {byte} of it: 00\n"
    )


def find(machine, way, block, size):
    """Give the kernel a reason to look."""
    lines = {"heap": "heap", "free": f"free {block:#x}", "alloc": f"alloc {size}"}
    return machine.ask(lines[way])


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("way", ["heap", "free"])
@pytest.mark.parametrize("size, byte", [(20, 20), (20, 47), (100, 101), (0, 0)])
def test_write_behind_a_block_is_found(debugging, size, byte, way):
    alloc(debugging.machine, size)
    block = alloc(debugging.machine, size)
    if size > 0:
        assert debugging.write_zero(block + size - 1) == ""
    heap(debugging.machine)
    assert debugging.write_zero(block + byte) == ""
    told = find(debugging.machine, way, block, size)
    assert re.fullmatch(told_of(block, size, byte, "allocated", "alloc"), told), told
    assert_halted_for_good(debugging.machine)


@pytest.mark.only(CHAPTER)
@pytest.mark.parametrize("way", ["heap", "alloc"])
@pytest.mark.parametrize("byte", [0, 19, 47])
def test_write_to_a_free_block_is_found(debugging, byte, way):
    alloc(debugging.machine, 20)
    block = alloc(debugging.machine, 20)
    assert free(debugging.machine, block) == ""
    heap(debugging.machine)
    assert debugging.write_zero(block + byte) == ""
    told = find(debugging.machine, way, block, 20)
    assert re.fullmatch(told_of(block, 20, byte, "freed", "free"), told), told
    assert_halted_for_good(debugging.machine)


@pytest.mark.only(CHAPTER)
def test_debugging_kernel_names_a_block_that_is_freed_twice(debugging):
    block = alloc(debugging.machine, 20)
    assert free(debugging.machine, block) == ""
    what = rf"the block of 64 bytes at {block:#x} is free already"
    assert_panics(debugging.machine, free(debugging.machine, block), what)

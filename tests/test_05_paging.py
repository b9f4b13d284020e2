"""test_05_paging.py: the kernel's own address space, seen from outside.

What the page tables say, and how frames come and go, tests/kernel/05-paging/ looks
at.
"""

import re
import struct

import pytest

import elf
import images
import ktap
import test_01_boot
import test_02_vga
from images import DIRECT_MAP
from qemu import DEBUG_EXIT, Ending, Machine, trim
from test_bench import bench
from told import NUMBER, ROW, logged, registers

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
PAGE = 4 * KIB
KERNEL_BASE = 0xFFFFFFFF80000000
DEMAND_ZERO, DEMAND_ZERO_SIZE = 0xFFFFC00000000000, 64 * GIB
HALTED = Ending("halted", None)
MEMORY_MAP, AVAILABLE = 6, 1  # the type of a tag, and of an area
ELSEWHERE = DIRECT_MAP + 3 * MIB + 8  # memory that nobody uses at first
CLEARING = 513  # instructions for a page

NO_NO_EXECUTE = (
    "Trapframe needs no-execute pages. This CPU has none, or its firmware hides them."
)

SIZES = {
    "16M": ["-m", "16M"],
    "128M": ["-m", "128M"],
    "4G": ["-m", "4G"],
    "64G": bench.HUGE,
}
MACHINES = [(size, "BIOS") for size in SIZES] + [("128M", "UEFI"), ("64G", "UEFI")]

REGIONS = (
    "--- page 0", "rw- direct map", "rw- demand-zero memory", "r-x kernel code",
    "r-- kernel constants", "rw- kernel data", "--- kernel stack guard",
    "rw- kernel stack",
)  # fmt: skip
DEMO = re.compile(
    r"boot information: (?P<size>\d+) bytes at 0x(?P<info>\w+)\n"
    r"screen: (VGA text, 80 x 25|none)\n"
    r"serial port: COM1, 115200 baud\n"
    + "".join(rf"{NUMBER}-{NUMBER} {region}\n" for region in REGIONS) +
    r"memory: (?P<total>\d+) KiB, free: (?P<free>\d+) KiB\n"
    r"0x(?P<main>\w+) is at (?P<frame>\w+)\n"
    r"0x(?P<guard>\w+) is nowhere\n"
    r"0 \+ 1 \+ 2 \+ 3 = 6, in (?P<taken>\d+) frames\n"
    r"memory: (?P=total) KiB, free: (?P<left>\d+) KiB\n"
    r"\n#PF page fault, vector 14\n"
    r"error code 0x3: write in supervisor mode, not permitted\n"
    r"cr2 (?P=main): kernel code cannot be written\n"
    + ROW * 5 +
    rf"rip {NUMBER}  rsp {NUMBER}  cs 0008  ss 0010\n"
    rf"rflags {NUMBER}( \w+)* IOPL=0\n"
    r"code( [0-9a-f]{2}){15}\n"
    rf"  {NUMBER} kernel_main\+0x\w+\n"
    rf"  {NUMBER} start_64\+0x\w+\n"
    r"halted\n\Z"
)  # fmt: skip


def demo(machine):
    """The numbers that the kernel tells, once it has come to its end."""
    assert machine.run_to_end() == HALTED, machine.report("no end")
    found = DEMO.search(machine.serial)
    assert found, machine.serial
    hexadecimal = ("info", "main", "frame", "guard")
    numbers = found.groupdict().items()
    return {name: int(n, 16 if name in hexadecimal else 10) for name, n in numbers}


# ---- How much memory there is


def tags(info):
    """(offset, type, size) of each tag of the boot information."""
    at = 8
    while at < len(info):
        kind, size = struct.unpack_from("<II", info, at)
        yield at, kind, size
        at += size + 7 & ~7


def map_in(info):
    """Where the memory map's tag is, and where it ends."""
    [found] = [(at, at + size) for at, kind, size in tags(info) if kind == MEMORY_MAP]
    return found


def available(info):
    """(start, end) of the areas above 1 MiB that can be used."""
    start, end = map_in(info)
    for base, length, kind in struct.iter_unpack("<QQI4x", info[start + 16 : end]):
        if kind == AVAILABLE and base + length > MIB:
            yield max(base, MIB), base + length


def usable(info, address, kernel_end):
    """How many bytes are in whole pages that nobody has."""
    taken = {page for page in range(MIB, kernel_end, PAGE)}
    taken |= {page & -PAGE for page in range(address, address + len(info))}
    total, areas = 0, [(-(-s // PAGE) * PAGE, e & -PAGE) for s, e in available(info)]
    for start, end in areas:
        total += end - start - PAGE * sum(start <= page < end for page in taken)
    return total


@pytest.mark.only("05-paging")
@pytest.mark.parametrize("size, firmware", MACHINES)
def test_memory_is_found(chapter, size, firmware):
    """All that the loader tells of becomes frames, but for what the kernel needs to
    keep account of them: less than a page in 16384, and 16 pages."""
    uefi = firmware == "UEFI"
    image = images.hybrid(chapter) if uefi else images.image(chapter)
    end = elf.symbols(images.kernel(chapter))["kernel_end"] - KERNEL_BASE
    with Machine(image, *SIZES[size], uefi=uefi, seconds=120) as machine:
        told = demo(machine)
        address = told["info"] - DIRECT_MAP
        info = machine.memory(address, told["size"])
        memory = usable(info, address, end)
    assert memory > int(size[:-1]) * {"M": MIB, "G": GIB}[size[-1]] * 7 / 8
    assert memory - memory / 16384 - 16 * PAGE <= told["total"] * KIB < memory


@pytest.mark.only("05-paging")
def test_kernel_tells_what_is_true(chapter):
    """Of addresses as the file has them, of frames as they are touched; and QEMU has
    seen no other exceptions."""
    symbols = elf.symbols(images.kernel(chapter))
    with Machine(images.image(chapter)) as machine:
        told = demo(machine)
        machine.end()
        reported = registers(machine.serial)
        seen = logged(machine, 14)
        faults = machine.exceptions()
    assert told["main"] == symbols["kernel_main"] == seen["cr2"]
    assert told["frame"] == symbols["kernel_main"] - KERNEL_BASE
    assert told["guard"] == symbols["stack_guard"]
    assert 0 < told["total"] - told["free"] < 64  # KiB
    assert told["free"] - told["left"] == told["taken"] * PAGE / KIB
    assert 4 < told["taken"] <= 4 * 4  # pages, and tables of three levels for each
    assert reported["rip"] == seen["rip"]
    touched = [DEMAND_ZERO + i * DEMAND_ZERO_SIZE // 4 for i in range(4)]
    assert [fault.split("CR2=")[1] for fault in faults] == [
        f"{address:016x}" for address in (*touched, symbols["kernel_main"])
    ]
    assert [fault.split()[1] for fault in faults] == ["e=0000"] * 4 + ["e=0003"]


@pytest.mark.only("05-paging")
@pytest.mark.parametrize("dirt", [b"\xcc", b"\xff"], ids=["cc", "ff"])
def test_memory_need_not_be_clean(chapter, tmp_path, dirt):
    """Neither where page tables and the bits of the frames come to lie, nor where
    demand-zero memory does."""
    file = tmp_path / "dirt"
    file.write_bytes(dirt * (8 * MIB))
    device = f"loader,file={file},addr=0x100000,force-raw=on"
    with Machine(images.image(chapter), "-device", device) as machine:
        dirty = demo(machine), machine.hmp("info tlb")
        assert machine.memory(7 * MIB, MIB) == dirt * MIB
    with Machine(images.image(chapter)) as machine:
        assert dirty == (demo(machine), machine.hmp("info tlb"))


# ---- What the loader said


def read_info(stub):
    """The boot information, when the function comes next that takes its address."""
    address = stub.read_register("rdi")
    size = int.from_bytes(stub.read_memory(address, 4), "little")
    return stub.read_memory(address, size)


@pytest.mark.only("05-paging")
@pytest.mark.parametrize("firmware", ["BIOS", "UEFI"])
def test_boot_information_is_as_the_loader_left_it(chapter, firmware):
    uefi = firmware == "UEFI"
    image = images.hybrid(chapter) if uefi else images.image(chapter)
    symbols = elf.symbols(images.kernel(chapter))
    with Machine(image, uefi=uefi, gdb=True, seconds=120) as machine:
        stub = machine.gdb()
        stub.run_to(symbols["start"])
        address = stub.read_register("rbx")
        size = int.from_bytes(machine.memory(address, 4), "little")
        before = machine.memory(address, size)
        stub.go_on()
        told = demo(machine)
        assert (told["info"], told["size"]) == (DIRECT_MAP + address, size)
        assert machine.memory(address, size) == before


@pytest.mark.since("05-paging")
def test_boot_information_survives_all_frames(chapter):
    """GRUB may leave it between two parts of the kernel, where no frame is. So it is
    moved to memory that will be one."""
    image = images.other(chapter, "reports/05-paging/fills_memory.c")
    with Machine(image, *DEBUG_EXIT, gdb=True, seconds=120) as machine:
        stub = machine.gdb()
        stub.run_to(elf.symbols(image.with_suffix(".elf"))["kernel_main"])
        stub.write_memory(ELSEWHERE, read_info(stub))
        stub.write_register("rdi", ELSEWHERE)
        stub.go_on()
        ending = machine.run_to_end()
        report = ktap.Report(machine.serial, ending)
        everything = machine.report("the test kernel")
    assert report.results == {"boot_information_survives": True}, everything
    assert not report.complaint(["boot_information_survives"]), everything


# ---- Where it cannot run


@pytest.mark.since("05-paging")
def test_cpu_without_no_execute(chapter):
    with Machine(images.image(chapter), "-cpu", "qemu64,-nx") as machine:
        test_01_boot.assert_refuses(machine, NO_NO_EXECUTE)


def with_areas(*areas):
    """A change to the boot information: the map has these (base, length), no more."""

    def change(info):
        start, end = map_in(info)
        count = (end - start - 16) // 24
        padded = [*areas, *[(0, 0)] * (count - len(areas))]
        for i, (base, length) in enumerate(padded):
            struct.pack_into("<QQ", info, start + 16 + 24 * i, base, length)
            struct.pack_into("<I", info, start + 32 + 24 * i, AVAILABLE)

    return change


def with_word(offset, value):
    """The same: the word of the map's tag at OFFSET is another."""
    return lambda info: struct.pack_into("<I", info, map_in(info)[0] + offset, value)


INFO = r"boot information at 0x\w+"

# With less than 4 GiB the direct map needs six tables, and the bits a page.
BROKEN = {
    "no-memory": (with_areas(), r"too little memory: no \d+ bytes in one piece"),
    "6-pages": (
        with_areas((4 * MIB, 6 * PAGE)),
        r"too little memory: no \d+ bytes in one piece",
    ),
    "7-pages": (with_areas((4 * MIB, 7 * PAGE)), "too little memory: nothing is left"),
    "10-pages": (
        with_areas((4 * MIB, 7 * PAGE), (6 * MIB, 3 * PAGE)),
        "too little memory: no frame for a page table",
    ),
    "no-map": (with_word(0, 0x7E57), "the loader does not say what memory there is"),
    "short-map": (
        with_word(4, 12), rf"{INFO}: a memory map of 12 bytes, with areas of 24"
    ),
    "areas-of-0": (
        with_word(8, 0), rf"{INFO}: a memory map of \d+ bytes, with areas of 0"
    ),
    "areas-of-28": (
        with_word(8, 28), rf"{INFO}: a memory map of \d+ bytes, with areas of 28"
    ),
}  # fmt: skip


def change_info(stub, change):
    """Let the loader have said something else, before memory_init looks."""
    info = bytearray(read_info(stub))
    change(info)
    stub.write_memory(stub.read_register("rdi"), info)


@pytest.mark.since("05-paging")
@pytest.mark.parametrize("name", BROKEN)
def test_memory_map_that_will_not_do(chapter, name):
    """A panic that says why, on both the wire and the screen."""
    change, why = BROKEN[name]
    with Machine(images.image(chapter), gdb=True) as machine:
        stub = machine.gdb()
        stub.run_to(elf.symbols(images.kernel(chapter))["memory_init"])
        change_info(stub, change)
        stub.go_on()
        assert machine.run_to_end() == HALTED, machine.report("no panic")
        told = machine.serial[machine.serial.index("\npanic at ") :]
        assert re.fullmatch(rf"\npanic at \w+\.c:\d+: {why}\n?", told), told
        rows = test_02_vga.rows(machine.serial)
        assert trim(machine.screen()) == trim(rows[-test_02_vga.ROWS :])


@pytest.mark.only("05-paging")
def test_frames_run_out_in_a_page_fault(chapter):
    """One frame more, and the kernel starts. Then demand-zero memory has none."""
    pages = with_areas((4 * MIB, 7 * PAGE), (6 * MIB, 4 * PAGE))
    with Machine(images.image(chapter), gdb=True) as machine:
        stub = machine.gdb()
        stub.run_to(elf.symbols(images.kernel(chapter))["memory_init"])
        change_info(stub, pages)
        stub.go_on()
        assert machine.run_to_end() == HALTED
        assert "\nmemory: 16 KiB, free: 0 KiB\n" in machine.serial
        assert machine.serial.count("#PF page fault") == 1
        assert re.search(
            r"\nerror code 0x0: read in supervisor mode, page not present\n"
            rf"cr2 {DEMAND_ZERO:016x}: there is no frame left for it\n",
            machine.serial,
        ), machine.serial


# ---- The tables, as QEMU finds them


def pages_of(machine):
    """(address, physical address, flags) of each page, from QEMU's own walk. An X
    says that the page cannot be executed."""
    found = re.findall(r"^(\w{16}): (\w{16}) (\S{9})", machine.hmp("info tlb"), re.M)
    return [(int(a, 16), int(frame, 16), flags) for a, frame, flags in found]


@pytest.mark.since("05-paging")
def test_no_page_is_writable_and_executable(chapter):
    """Nor is a frame, at one address or at two; and programs have the lower half."""
    with Machine(images.image(chapter)) as machine:
        assert machine.run_to_end().kind in ("halted", "idle")
        pages = pages_of(machine)
        areas = machine.hmp("info mem")
    code = {frame for _, frame, flags in pages if "X" not in flags}
    writable = [(frame, flags) for _, frame, flags in pages if "W" in flags]
    assert code and writable
    for frame, flags in writable:
        end = frame + (2 * MIB if "P" in flags else PAGE)
        assert "X" in flags and not any(frame <= f < end for f in code), hex(frame)
    assert not [flags for _, _, flags in pages if "U" in flags]
    assert min(address for address, _, _ in pages) >= DIRECT_MAP
    assert areas and not re.search(r"^0", areas, re.M)


@pytest.mark.since("05-paging")
def test_stack_guard_is_there_from_the_start(chapter):
    """Before the kernel has made page tables of its own: those of boot.asm."""
    symbols = elf.symbols(images.kernel(chapter))
    with Machine(images.image(chapter), gdb=True) as machine:
        machine.gdb().run_to(symbols["kernel_main"])
        mapped = {address for address, _, _ in pages_of(machine)}
    assert symbols["stack_guard"] + PAGE in mapped
    assert symbols["stack_guard"] not in mapped


# ---- What it costs


@pytest.mark.since("05-paging")
def test_start_does_not_take_longer_with_more_memory(chapter):
    """With 4096 times as much it takes no more than it would to clear two pages: no
    directory is cleared for each GiB, and no bit for each frame."""
    little, much = (
        bench.instructions_of(chapter, "memory_init", *SIZES[size])
        for size in ("16M", "64G")
    )
    assert little > 10 * CLEARING and abs(much - little) < 2 * CLEARING

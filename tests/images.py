"""images.py: the kernels and images that tests on the host boot.

Built by gcc -O2 if nothing else is asked for: other toolchains are for the tests inside
the kernel, and for matrix.py.
"""

import chapters
import elf

TOOLCHAIN = "gcc-O2"
DIRECT_MAP = 0xFFFF800000000000


def kernel(chapter, toolchain=TOOLCHAIN):
    """The chapter's kernel.elf."""
    return chapters.build(chapter, toolchain, "all") / "kernel.elf"


def image(chapter, toolchain=TOOLCHAIN):
    """A CD with it, for BIOS."""
    return chapters.build(chapter, toolchain, "all") / "kernel.iso"


def hybrid(chapter, toolchain=TOOLCHAIN):
    """A CD or USB stick with it, for BIOS and UEFI."""
    return chapters.build(chapter, toolchain, "iso") / "hybrid.iso"


def other(chapter, source, **variables):
    """A CD whose main.o comes from SOURCE, a path such as kernel/01-boot/x.c.
    VARIABLES are told to make."""
    name = f"tests/{source.removesuffix('.c')}.iso"
    return chapters.build(chapter, TOOLCHAIN, f"$(BUILD)/{name}", **variables) / name


def direct_map(chapter):
    """Where physical memory begins in the address space of the chapter's C."""
    return DIRECT_MAP if chapter >= "05-paging" else 0


def runs_kernel(machine, chapter, toolchain=TOOLCHAIN):
    """Is the next instruction one of the chapter's kernel?"""
    rip = int(machine.hmp("info registers").split("RIP=")[1].split()[0], 16)
    code = [s for s in elf.segments(kernel(chapter, toolchain)) if "E" in s.flags]
    return any(s.address <= rip < s.address + s.size for s in code)

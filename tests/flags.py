"""flags.py: which flag of the compiler keeps the interrupted program from what?

    flags.py        measures, prints a table, writes build/flags.tsv

tests/flags/dangers.c is built without the kernel's flags, with one more, with
both, by gcc and by clang, and booted: is the value still there after an int?

    red_zone    below the stack pointer; the stub saves all registers
    rax         the stub saves nothing
    xmm0        the stub saves the general registers that C may change
"""

import chapters
import ktap
import qemu

RESULT = chapters.ROOT / "build/flags.tsv"
COMPILERS = ("gcc", "clang")
FLAGS = ("-mno-red-zone", "-mgeneral-regs-only")
SETS = ((), FLAGS[:1], FLAGS[1:], FLAGS)
DANGERS = ("red_zone", "rax", "xmm0")


def build(chapter, compiler, flags):
    """The kernel's image, built with these of FLAGS only."""
    name = f"build/dangers/{compiler}{''.join(flags)}"
    directory = chapters.directory(chapter) / name
    directory.mkdir(parents=True, exist_ok=True)
    others = " ".join(flag for flag in FLAGS if flag not in flags)
    (directory / "Makefile").write_text(
        f"include Makefile\nCFLAGS := $(filter-out {others},$(CFLAGS))\n"
    )
    image = f"{name}/tests/flags/dangers.iso"
    options = {"CC": compiler, "BUILD": name}
    chapters.make(chapter, "-f", f"{name}/Makefile", image, **options)
    return chapters.directory(chapter) / image


def measure(chapter, compiler, flags):
    """What becomes of each value: {"rax": "clobbered", ...}."""
    report, everything = ktap.run(build(chapter, compiler, flags))
    if report.ending != qemu.Ending("exit", qemu.PASS):
        raise qemu.MachineError(everything)
    values = {name: value for name, value, _ in ktap.values(report.serial)}
    return {name: "intact" if values[name] else "clobbered" for name in DANGERS}


def table(chapter):
    """The lines of the table, the first one with the names of the columns."""
    yield ("compiler", "flags", *DANGERS)
    for compiler in COMPILERS:
        for flags in SETS:
            found = measure(chapter, compiler, flags)
            yield (compiler, " ".join(flags) or "none", *found.values())


def write(chapter):
    rows = list(table(chapter))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("".join("\t".join(row) + "\n" for row in rows))
    return rows


if __name__ == "__main__":
    for row in write("04-returning"):
        print("{:10}{:36}{:12}{:12}{}".format(*row))

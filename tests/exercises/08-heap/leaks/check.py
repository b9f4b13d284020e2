"""heap_leaks, and the command leaks, in a kernel made with DEBUG=heap."""

import chapters
import ktap
import patched
import qemu

CHAPTER = "08-heap"
BLOCKS = f"tests/exercises/{CHAPTER}/leaks/blocks"


def debugging(boot, product):
    """Makes what BOOT boots once more, with DEBUG=heap; the path of PRODUCT."""
    image = boot.args[0].resolve()
    source = next(path for path in image.parents if (path / "Makefile").exists())
    build = image.parent / "debug-heap"
    try:
        chapters.make(
            CHAPTER, "-f", source / "Makefile", build / product,
            environment=patched.make_environment(),
            CHAPTER=CHAPTER, SRC=source, BUILD=build, DEBUG="heap",
        )  # fmt: skip
    except chapters.BuildError as error:
        raise AssertionError(str(error)) from None
    return build / product


def check_tests(boot):
    report, everything = ktap.run(debugging(boot, f"{BLOCKS}.iso"))
    names = ktap.tests_in((chapters.ROOT / f"{BLOCKS}.c").read_text())
    failed = [name for name in names if not report.results.get(name)]
    notes = [f"{name}\n" + "\n".join(report.notes.get(name, ())) for name in failed]
    assert not failed, "\n".join(notes)
    assert not report.complaint(names), everything


def numbers(answer):
    """The lines of an answer, split into words."""
    return [line.split() for line in answer.splitlines()]


def check_command(boot):
    with qemu.Machine(debugging(boot, "kernel.iso")) as machine:
        none = machine.ask("leaks")
        assert none == "", f"leaks, when nobody has a block, says {none!r}"
        for size in (100, 2, 40):
            machine.ask(f"alloc {size}")
        told = machine.ask("leaks")
        assert numbers(told) == [["142", "3", "alloc"]], (
            f"leaks, after alloc 100, alloc 2 and alloc 40, says {told!r}"
        )
        assert "\nleaks " in machine.ask("help"), "help does not list leaks"


def check_plain_kernel(boot):
    with boot() as machine:
        machine.ask("alloc 100")
        told = machine.ask("leaks")
        assert told == "", f"leaks, in a kernel without DEBUG=heap, says {told!r}"

"""test_code.py: what holds for the code of every chapter, read, not run."""

import re
import subprocess

import pytest

import chapters
import elf

VECTOR_REGISTER = re.compile(r"\b([xyz]?mm\d+|st\(\d\))")
OPTIMIZATIONS = ["-O0", "-O1", "-O2", "-O3", "-Os"]


def sources(chapter, *kinds):
    """The chapter's files of the kinds "c", "h", ..., or all that people wrote."""
    kinds = kinds or ("c", "h", "asm", "ld")
    files = chapters.directory(chapter).iterdir()
    return sorted(f for f in files if f.name.split(".")[-1] in kinds)


def objects(chapter, toolchain):
    """What the compiler made of the chapter's C."""
    products = chapters.build(chapter, toolchain, "all")
    return [products / f"{source.stem}.o" for source in sources(chapter, "c")]


# ---- Sources


@pytest.mark.since("01-boot")
def test_lines_are_short_and_clean(chapter):
    for path in sources(chapter):
        text = path.read_text()
        assert text.endswith("\n") and not text.endswith("\n\n"), path
        for number, line in enumerate(text.split("\n"), 1):
            place = f"{path}:{number}"
            assert len(line) <= 72, f"{place}: the book shows 72 columns"
            assert line == line.rstrip(), f"{place}: blanks at the end"
            assert line.isprintable(), f"{place}: a tab or the like"


@pytest.mark.since("01-boot")
def test_clang_format_changes_nothing(chapter):
    """Versions 14, 16 and 19 agree about the options of .clang-format."""
    command = ["clang-format", "--dry-run", "--Werror", *sources(chapter, "c", "h")]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr


# ---- Objects


@pytest.mark.since("01-boot")
@pytest.mark.parametrize("toolchain", chapters.TOOLCHAINS)
def test_objects_use_general_registers_only(chapter, toolchain):
    for path in objects(chapter, toolchain):
        for name, listing in elf.functions(path).items():
            found = VECTOR_REGISTER.search(listing)
            assert not found, f"{path}: {name} uses {found[0]}"


@pytest.mark.since("01-boot")
@pytest.mark.parametrize("toolchain", chapters.TOOLCHAINS)
def test_objects_are_for_a_fixed_address(chapter, toolchain):
    """A compiler that is set to make PIE would ask for a global offset table."""
    for path in objects(chapter, toolchain):
        assert "GOT" not in elf.tool("readelf", "-rsW", path), path


@pytest.mark.since("02-vga")
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("optimization", OPTIMIZATIONS)
def test_string_functions_do_not_call_themselves(chapter, compiler, optimization):
    """A compiler may see a memset in the loop that is to be memset."""
    products = f"build/string-{compiler}{optimization}"
    goal = f"{products}/string.o"
    chapters.make(chapter, goal, CC=compiler, OPT=optimization, BUILD=products)
    functions = elf.functions(chapters.directory(chapter) / goal)
    assert {"memcpy", "memmove", "memset", "memcmp"} <= set(functions)
    calls = {name: called(listing) for name, listing in functions.items()}
    for name in functions:
        assert name not in reached(calls, name), f"{name}:\n{functions[name]}"


def called(listing):
    """The names of the functions a disassembly jumps to or calls."""
    near = re.findall(r"(?:call|jmp)\s.*<(\w+)>$", listing, re.M)
    return {*near, *re.findall(r"R_X86_64_\w+\s+(\w+)", listing)}


def reached(calls, name):
    """What calling NAME may lead to calling."""
    found, left = set(), [name]
    while left:
        for callee in calls.get(left.pop(), set()) - found:
            found.add(callee)
            left.append(callee)
    return found

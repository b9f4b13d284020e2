"""test_transcripts.py: transcripts are read, run, compared and refreshed."""

import re

import pytest

import chapters
import transcripts
from transcripts import Block, TranscriptError

LAST = '.console run="07-interrupts"'


def block(*lines, attributes='.console run="01-boot"'):
    """The transcript with these lines, in a page."""
    path = transcripts.BOOK / "page.md"
    made = Block(path, 7, f"{{{attributes}}}", list(lines))
    made.check()
    return made


def outputs(*lines, **options):
    return transcripts.run(block(*lines, **options))


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(transcripts, "CACHE", tmp_path / "cache")
    path = tmp_path / "page.md"
    path.write_text(
        "Text.\n\n"
        '``` {.console run="01-boot" mask="([0-9]+) bytes"}\n'
        "$ echo one; echo 5 bytes\n"
        "one\n"
        "7 bytes\n"
        "```\n\n"
        "``` c\n"
        "$ no transcript\n"
        "```\n\n"
        '```` {.console .static reason="a picture"}\n'
        "$ anything\n"
        "````\n\n"
        '``` {.console run="01-boot"}\n'
        "$ echo two\n"
        "wrong\n"
        "```\n"
    )
    return path


# Reading


def test_blocks_are_found(page):
    found = list(transcripts.blocks(page))
    assert [b.line for b in found] == [3, 13, 17]
    assert [b.static for b in found] == [False, True, False]
    assert found[0].mask == "([0-9]+) bytes"
    assert found[2].lines == ["$ echo two", "wrong"]


@pytest.mark.parametrize(
    "attributes, line, complaint",
    [
        (".console", "$ true", 'needs run="CHAPTER"'),
        ('.console run="42-answer"', "$ true", 'needs run="CHAPTER"'),
        (".console .static", "$ true", "needs reason="),
        ('.console run="01-boot" mask="("', "$ true", "no regular expression"),
        ('.console run="01-boot"', "output", 'does not begin with "$ "'),
        ('.console run="01-boot"', "(gdb) bt", 'does not begin with "$ "'),
    ],
)
def test_mistakes_are_told_with_their_place(attributes, line, complaint):
    with pytest.raises(TranscriptError, match=r"^book/page.md:7: .*") as error:
        block(line, attributes=attributes)
    assert complaint in str(error.value)


# Comparing


@pytest.mark.parametrize(
    "mask, shown, real, same",
    [
        ("", ["a", "b"], ["a", "b"], True),
        ("", ["a", "b"], ["a"], False),
        ("", ["a"], ["a", "b"], False),
        ("", ["a.c"], ["abc"], False),
        ("at (0x[0-9a-f]+)", ["is at 0x12"], ["is at 0x3f"], True),
        ("at (0x[0-9a-f]+)", ["is at 0x12"], ["was at 0x12"], False),
        ("at (0x[0-9a-f]+)", ["is at 0x12"], ["is at x"], False),
        ("[0-9]+ ms", ["took 5 ms"], ["took 17 ms"], True),
        ("", ["a", "...", "z"], ["a", "z"], True),
        ("", ["a", "...", "z"], ["a", "b", "c", "z"], True),
        ("", ["a", "...", "z"], ["a", "b", "c"], False),
        ("", ["..."], [], True),
    ],
)
def test_comparison(mask, shown, real, same):
    attributes = f'.console run="01-boot" mask="{mask}"'
    transcript = block("$ command", *shown, attributes=attributes)
    assert transcript.matches([real]) == same


# Running


def test_each_command_has_its_own_output():
    lines = ["$ echo one", "$ printf 'no newline'", "$ true", "$ echo two >&2"]
    assert outputs(*lines) == [["one"], ["no newline"], [], ["two"]]


def test_bash_keeps_its_state():
    assert outputs("$ cd ..", "$ x=5", "$ pwd; echo $x")[2] == [
        "~/trapframe/chapters",
        "5",
    ]


def test_the_machine_does_not_shine_through():
    assert outputs("$ pwd; echo ~; echo $COLUMNS $DISPLAY")[0] == [
        "~/trapframe/chapters/01-boot",
        str(transcripts.PLACE / "01-boot"),
        "80",
    ]


def test_screen():
    assert "64-bit mode" in "\n".join(outputs("$ make screen")[0])


def test_gdb_outputs_go_to_their_commands():
    result = outputs(
        "$ echo before",
        "$ make debug",
        "(gdb) print 1 + 1",
        "(gdb) print/x $eax",
        "(gdb) tbreak kernel_main",
        "(gdb) continue",
        "(gdb) monitor info version",
        "(gdb) nonsense",
        "(gdb) set var $x = 5",
        "(gdb)",
        "$ echo after",
    )
    assert result[0] == ["before"] and result[-1] == ["after"]
    assert re.search(r"start \(\) at boot.asm:\d+", "\n".join(result[1]))
    assert result[2:4] == [["$1 = 2"], ["$2 = 0x36d76289"]]
    assert result[4][0].startswith("Temporary breakpoint 2 at ")
    assert result[5][0] == "Continuing." and "kernel_main" in "".join(result[5])
    assert len(result[6]) == 1
    assert result[7:9] == [['Undefined command: "nonsense".  Try "help".'], []]


def test_gdb_that_does_not_answer_is_told(monkeypatch):
    monkeypatch.setattr(transcripts, "SECONDS", 3)
    with pytest.raises(TranscriptError, match="page.md:7: GDB has no answer"):
        outputs("$ make debug", "(gdb) continue")


def test_command_without_end_is_told(monkeypatch):
    monkeypatch.setattr(transcripts, "SECONDS", 3)
    with pytest.raises(TranscriptError, match="page.md:7: no end after 3 s: sleep"):
        outputs("$ sleep 1000")


def test_monitor():
    result = outputs("$ make run", "(qemu) info registers", "(qemu) x /1xb 0xb8000")
    assert result[0] == []
    assert any("HLT=1" in line for line in result[1])
    assert result[2][0].endswith(f"b8000: {ord('T'):#04x}")


def test_kernel_is_asked():
    """What it said before; then answers, without echoes and prompts."""
    result = outputs(
        "$ echo before",
        "$ make -s run QEMUFLAGS='-m 64M'",
        "kernel> mem",
        "kernel> nonsense",
        "kernel> fault null",
        "$ make run",
        "(qemu) info registers",
        "kernel> uptime",
        "$ echo after",
        attributes=LAST,
    )
    before, start, mem, nonsense, fault, again, registers, uptime, after = result
    assert before == ["before"] and after == ["after"]
    assert start[0].startswith("Trapframe, loaded by GRUB 2.")
    assert start == again and start[-1] == "keyboard: PS/2"
    total = int(mem[0].split()[2])
    assert 64 * 256 * 7 / 8 < total < 64 * 256 and mem[-1].endswith("kernel stack")
    assert nonsense == ["nonsense: no such command; try help"]
    assert fault[:2] == ["", "#PF page fault, vector 14"] and fault[-1] == "halted"
    assert any("HLT=1" in line for line in registers)
    assert len(uptime) == 1 and " ticks" in uptime[0]


def test_prompt_without_a_command_is_output():
    """It is what `make screen` ends with."""
    told = outputs("$ make screen", "kernel>", attributes=LAST)
    assert told[0][-1] == "kernel>"


def test_kernel_that_is_not_there_is_told():
    with pytest.raises(TranscriptError, match="page.md:7: nobody to ask: halted"):
        outputs("$ make run", "kernel> fault null", "kernel> uptime", attributes=LAST)
    with pytest.raises(TranscriptError, match='"kernel> " does not follow "[$] make'):
        outputs("$ make serial", "kernel> uptime", attributes=LAST)


def test_output_that_looks_like_a_prompt_is_told():
    with pytest.raises(TranscriptError, match="like a prompt: "):
        outputs("$ echo '$ rm'")


# Refreshing


def test_difference_is_told_and_truth_is_not(page):
    first, static, last = transcripts.blocks(page)
    assert transcripts.difference(first) is None
    assert transcripts.difference(static) is None
    assert "-wrong\n+two" in transcripts.difference(last)


def test_refresh_changes_what_is_wrong(page):
    before = page.read_text()
    transcripts.refresh(page)
    assert page.read_text() == before.replace("wrong", "two")
    transcripts.refresh(page)
    assert page.read_text() == before.replace("wrong", "two")


@pytest.mark.parametrize(
    "shown, real, new",
    [
        ("a ... d", "A B C D", "A ... D"),
        ("a b ...", "A B C D", "A B ..."),
        ("... c d", "A B C D", "... C D"),
        ("... b ...", "A B C D", "A B C D"),
        ("a b ... c", "A B", "A B"),
        ("a b", "A B C", "A B C"),
    ],
)
def test_refresh_keeps_what_is_left_out(shown, real, new):
    assert transcripts.elided(shown.split(), real.split()) == new.split()


def test_truth_is_remembered_until_something_changes(page, monkeypatch):
    first, _, last = transcripts.blocks(page)
    transcripts.difference(first)
    transcripts.difference(last)
    monkeypatch.setattr(transcripts, "run", lambda block: [["fresh"]])
    assert transcripts.difference(first) is None
    assert "+fresh" in transcripts.difference(last)
    monkeypatch.setattr(transcripts, "ingredients", lambda chapter: "other")
    assert "+fresh" in transcripts.difference(first)


def test_ingredients_are_what_matters():
    names = {str(path) for path in transcripts.everything(chapters.ROOT / "common")}
    assert any(name.endswith("common/kernel.mk") for name in names)
    assert not any("__pycache__" in name for name in names)
    assert "transcripts" in transcripts.tool_files()
    assert "test_transcripts" not in transcripts.tool_files()

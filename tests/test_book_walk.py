"""test_book_walk.py: walks through the page tables, drawn from a running kernel.

Walks made by hand go through the filters into a page of a tiny book; those of the
book are held to what QEMU finds in the same kernel's memory.
"""

import json
import re
import shlex
import subprocess

import pytest

import chapters
from drawn import DrawnBook, Mistakes

ROOT = chapters.ROOT
RECIPES = {  # chapter/name: options
    f"{path.parent.name}/{path.name}": path.read_text()
    for path in sorted((ROOT / "book/recordings").glob("*/*"))
    if "--walk" in path.read_text()
}
OTHERS = {
    "05-paging/data": "--from page_fault_init --walk kernel_space",
    "05-paging/code-as-memory": "--from page_fault_init --walk 0xffff800000101000",
}
PRESENT, WRITABLE, LARGE, NO_EXECUTE = 1 << 0, 1 << 1, 1 << 7, 1 << 63
ADDRESS = 0x000F_FFFF_FFFF_F000


# ---- Made by hand


def step(table, shift, index, entry, says):
    return {"table": hex(table), "shift": shift, "index": index, "entry": hex(entry), "says": says}


def walk(address, steps, name="", **end):
    parts = {"format": "trapframe-walk 1", "chapter": "01-one", "name": name}
    return {**parts, "address": hex(address), "cr3": "0x7000", "steps": steps, **end}


SMALL = walk(
    0xFFFF_9234_5678_9ABC,
    [
        step(0x7000, 39, 0x124, 0x8003, "read, write & more"),
        step(0x8000, 30, 0x0D1, 0x9023, "read"),
        step(0x9000, 21, 0x0B3, 0xA021, "read"),
        step(0xA000, 12, 0x189, 1 << 63 | 0xDE_ADBE_E001, "read, no execute"),
    ],
    name="thing+4",
    physical="0xdeadbeeabc",
    rights="ring 0 may read; ring 3 nothing",
)
LARGE_PAGE = walk(
    0xFFFF_8000_0034_5678,
    [
        step(0x7000, 39, 256, 0x8003, "read"),
        step(0x8000, 30, 0, 0x9003, "read"),
        step(0x9000, 21, 1, 0x200083, "read, write"),
    ],
    physical="0x345678",
    rights="ring 0 may read, write; ring 3 nothing",
)
NOWHERE = walk(0xFFFF_C000_0000_0000, [step(0x7000, 39, 384, 0, "not present")])
WALKS = {"small": SMALL, "large": LARGE_PAGE, "nowhere": NOWHERE}


def block(name="small", caption="A walk.", text="", recording=None):
    recording = recording or f"01-one/{name}"
    attributes = f'.walk #fig:{name} recording="{recording}" caption="{caption}"'
    return f"``` {{{attributes}}}\n{text}```\n\n"


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    texts = {name: json.dumps(each) for name, each in WALKS.items()}
    book = DrawnBook(tmp_path_factory.mktemp("walked"), texts)
    book.page("".join(map(block, WALKS)))
    worked, said = book.make()
    assert worked, said
    return book.book


def figure(book, name):
    """The figure's text, with a blank where an element begins or ends."""
    html = book.html("01-one").split(f'id="fig-{name}"')[1].split("</figure>")[0]
    return re.sub("[ \n]+", " ", re.sub("</?(p|div|dt|dd|li|small|code|span|ol)[^>]*>", " ", html))


def test_each_level_is_shown(walked):
    shown = figure(walked, "small")
    assert " thing+4 is 0xffff923456789abc , in bits: 63–48 1111111111111111 47–39 " in shown
    levels = re.findall(r"(P[A-Z\w ]+) at (0x\w+)\b", shown.split("CR3 holds 0x7000")[1])
    assert levels == [
        ("PML4", "0x7000"),
        ("Page directory pointers", "0x8000"),
        ("Page directory", "0x9000"),
        ("Page table", "0xa000"),
        ("Page of 4 KiB", "0xdeadbee000"),
    ]
    bits = re.findall(r"bits (\d+–\d+) ([01]{9}) , which is (\d+)", shown)
    assert [each[0] for each in bits] == ["47–39", "38–30", "29–21", "20–12"]
    assert [int(digits, 2) for _, digits, _ in bits] == [0x124, 0x0D1, 0x0B3, 0x189]
    assert [int(number) for *_, number in bits] == [0x124, 0x0D1, 0x0B3, 0x189]
    assert "entry 292 0x000<b>0000000008</b>003 says read, write &amp; more" in shown
    assert "0x800<b>000deadbee</b>001 says read, no execute" in shown
    assert "bits 11–0 0xabc bytes from its start physical 0xdeadbeeabc" in shown
    assert "rights Ring 0 may read; ring 3 nothing." in shown


def test_bits_are_those_of_the_address(walked):
    for name, each in WALKS.items():
        digits = re.findall(r"\d+–\d+ ([01]+) ", figure(walked, name).split("CR3")[0])
        assert int("".join(digits), 2) == int(each["address"], 16), name


def test_large_page(walked):
    shown = figure(walked, "large")
    assert " Address 0xffff800000345678 , in bits:" in shown and "Page table" not in shown
    assert "Page of 2 MiB at 0x200000" in shown and "bits 20–0 0x145678 bytes" in shown


def test_walk_that_leads_nowhere(walked):
    shown = figure(walked, "nowhere")
    assert "says not present" in shown and "Nothing: a page fault (#PF)" in shown
    assert "physical" not in shown and "Page of" not in shown


def test_walks_are_numbered_figures(walked):
    assert "Figure 1.3." in figure(walked, "nowhere")
    assert "<script" not in walked.html("01-one").split("<main")[1]


PLACE = 'recording="01-one/small"'
MISTAKES = {
    "no caption": (block().replace(' caption="A walk."', ""), "needs caption="),
    "no id": (block().replace(" #fig:small", ""), "needs an id"),
    "wrong id": (block().replace("#fig:", "#lst:"), 'the id has to be "#fig:'),
    "no recording": (block().replace(PLACE, ""), "needs recording="),
    "attribute": (block().replace(PLACE, f'{PLACE} level="2"'), "no attribute level="),
    "text": (block(text="before: x\n"), "drawn from its recording alone"),
    "none": (block(recording="01-one/none"), "there is no book/recordings/01-one/none"),
    "steps": (block(recording="01-one/steps"), "is no trapframe-walk 1"),
    "empty": (block(recording="01-one/empty"), "has no steps"),
    "a walk as steps": (block().replace(".walk", ".stepper"), "is no trapframe-steps 1"),
}


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory):
    walks = {
        "small": json.dumps(SMALL),
        "steps": '{"format": "trapframe-steps 1"}',
        "empty": json.dumps(walk(0, [])),
    }
    return Mistakes(DrawnBook(tmp_path_factory.mktemp("mistakes"), walks), MISTAKES, "small")


@pytest.mark.parametrize("title", MISTAKES)
def test_mistake_is_told(title, mistakes):
    mistakes.assert_told(title)


# ---- In a browser


@pytest.mark.parametrize("width", [320, 390, 820, 1920])
def test_nothing_sticks_out_nor_overlaps(width, browser, walked):
    browser.open(walked.root / "build/book/01-one.html", width=width)
    assert browser.run("document.documentElement.scrollWidth") <= width
    lines = browser.run(
        "[...document.querySelectorAll('.walk code')].map(code =>"
        " new Set([...code.getClientRects()].map(part => Math.round(part.y))).size)"
    )
    assert set(lines) == {1}, "no number is broken"
    boxes = browser.run(
        "[...document.querySelectorAll('#fig-small li')].map(li => {"
        " const box = li.getBoundingClientRect();"
        " return [box.top, box.bottom, [...li.querySelectorAll('*')].every(e =>"
        " e.getBoundingClientRect().right <= box.right)] })"
    )
    assert len(boxes) == 6 and all(inside for *_, inside in boxes)
    assert all(above[1] < below[0] for above, below in zip(boxes, boxes[1:]))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_accessible(dark, browser, walked):
    browser.open(walked.root / "build/book/01-one.html", width=390, dark=dark)
    assert browser.violations(".walk") == []


# ---- The book's own


def ask(chapter, commands):
    """What GDB and QEMU's monitor say about the kernel."""
    environment = chapters.clean_environment()
    environment.pop("DISPLAY", None)
    done = subprocess.run(
        ["make", "--no-print-directory", "-s", "-C", chapters.directory(chapter), "debug"],
        env=environment,
        input="\n".join(commands) + "\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=90,
        text=True,
    )
    return done.stdout


@pytest.fixture(scope="module", params=[*RECIPES, *OTHERS])
def own(request, tmp_path_factory):
    """A walk, and what QEMU knows of it."""
    chapter, file = request.param.split("/")[0], tmp_path_factory.mktemp("own") / "walk"
    words = shlex.split({**RECIPES, **OTHERS}[request.param], comments=True)
    with chapters.build_lock():
        command = [ROOT / "common/record", chapter, file, *words]
        subprocess.run(command, check=True, timeout=150)
        made = json.loads(file.read_text())
        commands = [f"tbreak *{words[words.index('--from') + 1]}", "continue"]
        commands += [
            f"monitor xp /1gx {int(each['table'], 16) + 8 * each['index']:#x}"
            for each in made["steps"]
        ]
        commands += [f"monitor gva2gpa {made['address']}", "monitor info registers"]
        return made, ask(chapter, commands)


def test_entries_are_those_in_memory(own):
    made, said = own
    found = dict(re.findall(r"^(?:\(gdb\) )?([0-9a-f]{16}): (0x[0-9a-f]{16})$", said, re.M))
    assert {int(at, 16): int(entry, 16) for at, entry in found.items()} == {
        int(each["table"], 16) + 8 * each["index"]: int(each["entry"], 16)
        for each in made["steps"]
    }
    assert int(re.search(r"CR3=([0-9a-f]+)", said)[1], 16) == int(made["cr3"], 16)


def test_tables_follow_one_another(own):
    made, _ = own
    table, address = int(made["cr3"], 16), int(made["address"], 16)
    for each, shift in zip(made["steps"], (39, 30, 21, 12)):
        assert (int(each["table"], 16), each["shift"]) == (table & ADDRESS, shift)
        assert each["index"] == address >> shift & 511
        table = int(each["entry"], 16)
    assert table & PRESENT and (shift == 12 or table & LARGE)


def test_it_leads_where_the_cpu_goes(own):
    made, said = own
    assert int(re.search(r"gpa: (0x[0-9a-f]+)", said)[1], 16) == int(made["physical"], 16)


def test_rights_are_what_all_entries_allow(own):
    made, _ = own
    entries = [int(each["entry"], 16) for each in made["steps"]]
    told = re.fullmatch(r"ring 0 may ([a-z, ]+); ring 3 nothing", made["rights"])[1]
    assert ("write" in told) == all(entry & WRITABLE for entry in entries)
    assert ("execute" in told) == (not any(entry & NO_EXECUTE for entry in entries))

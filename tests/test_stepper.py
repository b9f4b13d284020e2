"""test_stepper.py: recordings that the reader steps through on a page.

The tape of tape.py goes through the filters into a page of a tiny book, which a
browser shows; the recordings of the book are held to what the instructions do.
"""

import gzip
import json
import re
import shlex
import subprocess

import pytest

import chapters
import site_of_book
import tape
from drawn import DrawnBook, Mistakes

LIMIT = 30_000  # bytes compressed: script, recordings and markup of one page
COMPONENT = 8_000  # of these, those that are the same on every page
RECORDINGS = re.compile(r"^const RECORDINGS =\n(.*?);\n/\*", re.M | re.S)
NOTES = """\
before: Look at `rsp`.
cpu-pushes "The CPU": Five words,
  of its own *accord*.
`push r15`: The last one.
helper+12: Not recorded.
"""


def block(notes=NOTES, name="steps", recording="01-one/int3", caption="An exception."):
    attributes = f'.stepper #fig:{name} recording="{recording}" caption="{caption}"'
    return f"``` {{{attributes}}}\n{notes}```\n\n"


class SteppedBook(DrawnBook):
    def __init__(self, root):
        super().__init__(root, {"int3": tape.make().text()})

    @property
    def script(self):
        return self.book.root / "build/book/01-one.steps.js"


@pytest.fixture(scope="module")
def stepped(tmp_path_factory):
    book = SteppedBook(tmp_path_factory.mktemp("stepped"))
    text = "A way of many steps.[^1]\n\n[^1]: " + "A long side note. " * 30 + "\n\n"
    book.page(text + block() + block(notes="", name="again"))
    worked, said = book.make()
    assert worked, said
    return book


def recordings(script):
    """{id: recording} as the page's script has them."""
    return json.loads(RECORDINGS.search(script)[1])


class Replay:
    """What the machine holds before each step of a recording."""

    def __init__(self, steps):
        self.registers, self.words = {}, {}
        self.steps = []
        for step in steps:
            self.registers = {**self.registers, **step.get("set", {})}
            self.words = {**self.words, **step.get("stack", {})}
            self.steps.append((step, self.registers, self.words))

    def __iter__(self):
        return iter(self.steps)

    def pairs(self):
        """Each step but the last, with the one after it."""
        return zip(self.steps, self.steps[1:])


# ---- What is written


def test_page_without_stepper_has_none(stepped):
    assert "stepper" not in stepped.book.html("02-two").split("<main")[1]
    assert not (stepped.book.root / "build/book/02-two.steps.js").exists()


def test_script_is_loaded_once(stepped):
    html = stepped.book.html("01-one")
    assert html.count("<trap-stepper") == 2
    assert html.count('<script src="01-one.steps.js">') == 1


def test_recording_arrives_unchanged(stepped):
    recorded = recordings(stepped.script.read_text())["fig-steps"]
    made = json.loads(tape.make().text())
    for (place, code, file, line, registers, words, _, over), step in zip(
        recorded["steps"], made["steps"], strict=True
    ):
        assert (place, bool(over)) == (step["place"], step.get("over", False))
        assert code.split()[0] == step["code"].split()[0] and "<" not in code
        assert (recorded["files"][file][0], line) == (step["file"], step["line"])
        assert dict(registers) == step["set"]
        assert {word[0]: word[1:3] for word in words} == {
            address: word[:2] for address, word in step["stack"].items()
        }
    assert {name: step for _, step, name in recorded["moments"]} == made["moments"]


def test_source_is_what_the_file_has(stepped):
    for name, address, *runs in recordings(stepped.script.read_text())["fig-steps"]["files"]:
        lines = stepped.book.read(f"build/book/{address}").splitlines()
        for first, html in zip(runs[::2], runs[1::2]):
            text = re.sub("<[^>]*>", "", html).split("\n")
            shown = lines[first - 1 : first - 1 + len(text)]
            assert text == [escape(line) for line in shown], name


def escape(line):
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def test_notes_belong_to_their_steps(stepped):
    steps = recordings(stepped.script.read_text())["fig-steps"]["steps"]
    notes = {step[0]: step[6] for step in steps if step[6]}
    assert notes == {
        "kernel_main+4": "Look at <code>rsp</code>.",
        "start": "Five words, of its own <em>accord</em>.",
        "start+3": "The last one.",
        "helper+12": "Not recorded.",
    }


def test_stacks_without_javascript(stepped):
    html = stepped.book.html("01-one")
    pushed = html.split('id="fig-steps-cpu-pushes"')[1].split("</table>")[0]
    assert "<b>The CPU.</b> Five words, of its own <em>accord</em>." in pushed
    rows = re.findall(r'<tr class="([^"]*)"><th scope="row">(.*?)</th><td>(.*?)<', pushed)
    names = ["ss", "rsp", "rflags", "cs", "rip"]
    assert [name for _, _, name in rows] == names
    assert rows[-1][:2] == ("new rsp", "…7fc8")


def test_component_is_small(stepped):
    script = stepped.script.read_text()
    without = RECORDINGS.sub("", script)
    assert len(gzip.compress(without.encode())) < COMPONENT


# ---- Mistakes

PLACE = 'recording="01-one/int3"'
MISTAKES = {
    "no caption": (block().replace(' caption="An exception."', ""), "needs caption="),
    "no id": (block().replace(" #fig:steps", ""), "needs an id"),
    "wrong id": (block().replace("#fig:", "#lst:"), 'the id has to be "#fig:'),
    "no recording": (block().replace(PLACE, ""), "needs recording="),
    "attribute": (block().replace(PLACE, f'{PLACE} speed="2"'), "no attribute speed="),
    "no such moment": (block("a: b\n\nnever: x\n"), "never comes to a; its moments are before"),
    "no such place": (block("helper+1: x\n"), "never comes to helper+1"),
    "no such code": (block("`nop`: x\n"), "never comes to `nop`"),
    "no such recording": (block("", recording="01-one/none"), "no book/recordings/01-one/none"),
    "note of nothing": (block("What happens?\n"), "a note says where it belongs"),
}


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory):
    return Mistakes(SteppedBook(tmp_path_factory.mktemp("mistakes")), MISTAKES, "steps")


@pytest.mark.parametrize("title", MISTAKES)
def test_mistake_is_told(title, mistakes):
    mistakes.assert_told(title, lines=2)


GOOD = tape.make().text()
BAD = {
    "cut-off": ('{"format": 1', "a } is missing"),
    "no-value": ('{"format": , 1}', "a value is missing"),
    "other-format": ('{"format": "steps 7"}', "is no trapframe-steps 1"),
    "no-steps": ('{"format": "trapframe-steps 1", "steps": []}', "has no steps"),
    "no-file": (GOOD.replace("boot.asm", "none.asm"), "01-one/none.asm is not what"),
    "no-line": (GOOD.replace('"line": ', '"line": 9'), "is not what 01-one/no-line was"),
}


@pytest.fixture(scope="module")
def bad_recordings(tmp_path_factory):
    book = SteppedBook(tmp_path_factory.mktemp("bad"))
    for name, (text, _) in BAD.items():
        book.record(name, text)
    book.page("".join(block("", name, f"01-one/{name}") for name in BAD))
    worked, said = book.make()
    assert not worked
    return book.book, said


@pytest.mark.parametrize("name", BAD)
def test_bad_recording_is_told(name, bad_recordings):
    book, said = bad_recordings
    line = book.line("01-one", f"#fig:{name} ")
    assert re.search(rf"^book/01-one\.md:{line}: .*{re.escape(BAD[name][1])}", said, re.M), said


def test_recording_that_cannot_be_made(tmp_path):
    book = SteppedBook(tmp_path)
    book.book.write("book/recordings/01-one/fails", "--vector 3")
    book.page(block())
    worked, said = book.make()
    assert not worked
    assert "book/recordings/01-one/fails:1: cannot be recorded" in said


# ---- In a browser

STATE = """(index => {
  const stepper = document.querySelectorAll("trap-stepper")[index];
  const all = selector => [...stepper.querySelectorAll(selector)];
  const place = e => { const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height] };
  return {
    count: stepper.querySelector("output").textContent,
    said: stepper.querySelector(".said p").textContent,
    slider: +stepper.querySelector("input").value,
    next: stepper.querySelector(".source .head code").textContent,
    line: all("pre .here").map(line => +line.dataset.n),
    seen: all("pre .here, [data-address].rsp").every(inside),
    registers: Object.fromEntries(all("li[data-r]").map(li =>
      [li.dataset.r, li.lastChild.textContent.split(" ").at(-1)])),
    changed: all("li.changed").map(li => li.dataset.r),
    words: all("tr[data-address]").map(row =>
      [row.dataset.address, row.cells[1].textContent, row.cells[2].textContent, row.className]),
    moment: all("[aria-current=step]").map(button => button.textContent),
    places: [...all(".stepper-live > *"), stepper.parentElement].map(place),
  };
  function inside(row) {
    const box = row.closest("pre, .words").getBoundingClientRect();
    const { top, bottom } = row.getBoundingClientRect();
    return top >= box.top - 1 && bottom <= box.bottom + 1;
  }
})"""


def open_page(browser, stepped, **how):
    browser.open(stepped.file, **how)
    assert browser.errors() == []
    return lambda index=0: browser.run(f"{STATE}({index})")


def focus(browser, selector):
    browser.run(f"document.querySelector('trap-stepper {selector}').focus()")


def test_each_step_is_shown_as_recorded(browser, stepped):
    state = open_page(browser, stepped)
    focus(browser, "[data-go=next]")
    replay = Replay(json.loads(tape.make().text())["steps"])
    last = len(replay.steps) - 1
    rsp = None
    for number, (step, registers, words) in enumerate(replay):
        shown = state()
        assert shown["count"] == f"{number}/{last}" and shown["slider"] == number
        assert shown["registers"] == registers
        assert set(shown["changed"]) == (set(step["set"]) if number else set())
        assert shown["line"] == [step["line"]] and shown["seen"]
        assert shown["next"].split()[0] == step["code"].split()[0]
        check_stack(shown["words"], words, registers["rsp"], step["stack"] if number else {})
        browser.press("ArrowRight")
    assert state()["count"] == f"{last}/{last}"


def check_stack(rows, words, rsp, news):
    classes = {address: marks.split() for address, _, _, marks in rows}
    assert [a for a, marks in classes.items() if "rsp" in marks] == [rsp]
    marked = {a for a, marks in classes.items() if {"new", "written"} & set(marks)}
    assert marked == set(news)
    for address, name, value, marks in rows:
        assert [value, name] == words.get(address, ["", ""])[:2]
        on_stack = (int(address, 16) > 0x8100) == (int(rsp, 16) > 0x8100)
        if on_stack:
            assert ("dead" in marks) == (int(address, 16) < int(rsp, 16))


def test_sentences(browser, stepped):
    open_page(browser, stepped)
    said = browser.run("document.querySelector('#fig-again trap-stepper').sentences")
    said = [re.sub("</?code>", "`", each) for each in said]
    assert said[0] == "Nothing has run yet."
    assert said[1].startswith("`ud2` has raised an exception: 5 words go on the stack: `ss`,")
    assert said[2] == "`push 0x3` has run: `0x3` goes on the stack, as `vector`."
    assert said[5].endswith("as `return address`; it goes on in `helper`.")
    assert said[6].endswith("`rbx` on the stack becomes `0x7`.")
    assert said[7] == "`mov rsp,rax` has run: `rsp` points to another stack."
    assert said[9].startswith("`call printf` has run, with all that it calls: `rax`, `rcx`")
    assert said[12].endswith("1 word leaves the stack; `r15` keeps `0xffffffff80100eee`.")
    assert said[13].endswith("`rbx` becomes `0x7`.")
    assert said[14].endswith("1 word leaves the stack; `PF` and `ZF` cleared.")


def test_keys_and_buttons(browser, stepped):
    state = open_page(browser, stepped)
    last = state()["count"].split("/")[1]
    focus(browser, "[data-go=first]")
    for key, at in [("End", last), ("ArrowRight", last), ("ArrowLeft", str(int(last) - 1)),
                    ("Home", "0"), ("ArrowLeft", "0"), ("ArrowRight", "1")]:
        browser.press(key)
        assert state()["count"] == f"{at}/{last}", key
    focus(browser, "input")
    browser.press("ArrowRight")
    assert state()["count"] == f"2/{last}"
    click = "document.querySelector('trap-stepper {}').click()".format
    for selector, at in [("[data-go=last]", last), ("[data-go=previous]", str(int(last) - 1)),
                         ("[data-go=first]", "0"), ("[data-go=next]", "1")]:
        browser.run(click(selector))
        assert state()["count"] == f"{at}/{last}", selector
    browser.run(click(".jumps li:nth-child(3) button"))
    assert state()["moment"] == ["Registers saved"]
    assert state(1)["count"].startswith("0/"), "the other one stays where it is"


def test_keyboard_reaches_all_and_shows_where_it_is(browser, stepped):
    open_page(browser, stepped)
    browser.run("document.querySelector('.sn-ref').focus()")
    reached = []
    for _ in range(30):
        browser.press("Tab")
        here = browser.run(
            "(e => [e.closest('#fig-steps trap-stepper') != null, e.dataset.go ?? e.dataset.step"
            " ?? e.localName, getComputedStyle(e).outlineStyle])(document.activeElement)"
        )
        if here[0]:
            reached.append(here[1])
            assert here[2] != "none", here[1]
    moments = [str(step) for step in tape.make().moments.values()]
    controls = ["first", "previous", "input", "next", "last", *moments]
    assert [each for each in reached if each != "a"] == [*controls, "pre", "div"]


def test_screen_reader_is_told(browser, stepped):
    open_page(browser, stepped)
    told = browser.run("document.querySelector('trap-stepper [aria-live=polite]').ariaLive")
    assert told == "polite"
    browser.run("document.querySelector('trap-stepper').show(1)")
    value = "document.querySelector('trap-stepper input').ariaValueText"
    assert browser.run(value) == "1 of 15"


def test_link_to_a_moment(browser, stepped):
    state = open_page(browser, stepped, fragment="fig-steps-iretq")
    assert state()["moment"] == ["iretq"] and state(1)["moment"] == ["Before"]
    assert browser.run("scrollY") > 0
    browser.run("location.hash = 'fig-again-resumed'")
    browser.run("new Promise(requestAnimationFrame)")
    assert state(1)["moment"] == ["Resumed"]


@pytest.mark.parametrize("width", [320, 390, 820, 1280, 1920])
def test_nothing_moves_nor_sticks_out(width, browser, stepped):
    state = open_page(browser, stepped, width=width)
    assert browser.run("document.documentElement.scrollWidth") <= width
    before = state()["places"]
    for number in range(1, len(tape.make().steps)):
        browser.run(f"document.querySelector('trap-stepper').show({number})")
        shown = state()
        assert shown["places"] == before and shown["seen"], number
    assert browser.run("document.documentElement.scrollWidth") <= width


def test_side_notes_and_stepper_do_not_overlap(browser, stepped):
    open_page(browser, stepped, width=1280)
    note, live = (
        browser.run(f"(r => [r.x, r.y, r.right, r.bottom])"
                    f"(document.querySelector('{selector}').getBoundingClientRect())")
        for selector in (".sidenote", ".stepper-live")
    )
    assert live[2] > note[0], "it uses the margin"
    assert note[3] <= live[1], "below the note"


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_accessible(width, dark, browser, stepped):
    open_page(browser, stepped, width=width, dark=dark)
    for number in (1, 12):  # words pushed; words popped
        browser.run(f"document.querySelector('trap-stepper').show({number})")
        assert browser.violations("#fig-steps") == []


def test_without_javascript_and_on_paper(browser, stepped):
    shown = (
        "['.moments', '.stepper-live'].map(s => document.querySelector('trap-stepper ' + s))"
        ".map(e => e != null && e.checkVisibility())"
    )
    open_page(browser, stepped)
    assert browser.run(shown) == [False, True]
    browser.ask("Emulation.setEmulatedMedia", media="print")
    assert browser.run(shown) == [True, False]
    browser.ask("Emulation.setEmulatedMedia", media="")
    open_page(browser, stepped, width=320, scripts=False)
    assert browser.run(shown) == [True, False]
    assert browser.run("document.documentElement.scrollWidth") <= 320


# ---- The book's own


def pages_with_steppers():
    texts = {name: (chapters.ROOT / f"book/{name}.md").read_text() for name in site_of_book.names()}
    return [name for name, text in texts.items() if "{.stepper" in text]


COLORS = """[...document.querySelectorAll("trap-stepper")].flatMap(stepper =>
  stepper.steps.flatMap((_, step) => {
    stepper.show(step);
    const line = stepper.querySelector("pre .here");
    const color = element => getComputedStyle(element).color;
    return [...line?.querySelectorAll("*") ?? []].filter(e => color(e) != color(line))
      .map(e => e.outerHTML);
  }))"""


@pytest.mark.parametrize("name", pages_with_steppers())
def test_next_line_has_the_color_that_can_be_read_on_it(name, browser):
    browser.open(site_of_book.page(name))
    assert browser.run("document.querySelectorAll('pre .here').length")
    assert browser.run(COLORS) == []


RECIPES = sorted(
    path
    for path in (chapters.ROOT / "book/recordings").glob("*/*")
    if not re.search("--(walk|bench)", path.read_text())  # test_book_walk.py, _chart.py
)


@pytest.mark.parametrize("name", pages_with_steppers())
def test_page_stays_light(name):
    html = site_of_book.page(name).read_text()
    markup = "".join(re.findall("<trap-stepper.*?</trap-stepper>", html, re.S))
    script = site_of_book.made() / f"{name}.steps.js"
    assert sum(len(gzip.compress(t.encode())) for t in (markup, script.read_text())) < LIMIT


@pytest.fixture(scope="module", params=RECIPES, ids=lambda path: path.name)
def own(request):
    name = f"{request.param.parent.name}/{request.param.name}"
    return json.loads((site_of_book.made() / f".cache/recordings/{name}.json").read_text())


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_places_are_moments_when_they_come_first(recipe):
    name = f"{recipe.parent.name}/{recipe.name}"
    made = json.loads((site_of_book.made() / f".cache/recordings/{name}.json").read_text())
    words = shlex.split(recipe.read_text(), comments=True)
    places = [step["place"] for step in made["steps"]]
    for option, place in zip(words, words[1:]):
        if option == "--moment":
            assert made["moments"][place] == places.index(place)


FAILURES = {
    "05-paging --vector 14 --moment handle+1 --moment never": "never came to never",
    "05-paging --vector 14 --walk kernel_main": "--walk needs --from",
    "05-paging --from kernel_main --to halt --walk kernel_main": "--walk needs --from",
    "05-paging --from kernel_main --walk 0x900000000000": "is not canonical",
    "05-paging --from kernel_main": "--from needs one of --to and --vector",
    "05-paging --from touch --to halt --vector 14": "--from needs one of --to and --vector",
    "05-paging --from exception_unhandled --vector 14 --over report_exception"
    " --over printf": "the kernel has halted for good, at exception_unhandled+",
    "07-interrupts --vector 32": "for an interrupt, --vector needs --from",
    "07-interrupts --from input_get --vector 33 --max 300": "300 steps, and only at",
}


@pytest.mark.parametrize("options", FAILURES)
def test_what_cannot_be_recorded_is_told(options, tmp_path):
    chapter, *rest = options.split()
    done = subprocess.run(
        [chapters.ROOT / "common/record", chapter, tmp_path / "file", *rest],
        capture_output=True,
        timeout=90,
        text=True,
    )
    assert done.returncode != 0 and FAILURES[options] in done.stderr
    assert not (tmp_path / "file").exists()


def test_repeated_instruction_is_one_step(own):
    for (step, _, _), (later, after, _) in Replay(own["steps"]).pairs():
        if step["code"].startswith("rep "):
            assert later["place"] != step["place"] and after["rcx"] == "0x0"


def test_first_touch():
    """A fault: the instruction comes again. Each frame is cleared."""
    made = site_of_book.made() / ".cache/recordings/05-paging/first-touch.json"
    own = json.loads(made.read_text())
    replayed = Replay(own["steps"]).steps
    (step, before, _), (_, after, words) = replayed[:2]
    assert words[after["rsp"]][:2] == ["0x0", "error_code"], "a read, nothing is there"
    assert after["cr2"] == before["rax"] == "0xffffc00000000000"
    assert own["steps"][-1]["place"] == step["place"]
    assert own["steps"][-1]["code"] == step["code"]
    frames = sum(step["place"] == "frame_alloc" for step in own["steps"])
    cleared = sum(step["code"].startswith("rep stos") for step in own["steps"])
    assert frames == cleared == 4, "the page, and tables of three levels"


def test_tick():
    """An interrupt: it comes at hlt and nowhere else, and the next instruction goes
    on with all as it was. The line's end of interrupt is told while IF is clear."""
    made = site_of_book.made() / ".cache/recordings/07-interrupts/tick.json"
    own = json.loads(made.read_text())
    replayed = Replay(own["steps"]).steps
    before = own["moments"]["before"]
    (step, halted, _), (_, entered, words) = replayed[before : before + 2]
    frame = {name: value for value, name, _ in words.values()}
    assert step["code"] == "hlt" and replayed[before - 1][0]["code"] == "sti"
    assert replayed[before + 1][0]["place"] == "isr_32"
    assert int(frame["rip"], 16) == int(halted["rip"], 16) + 1
    assert frame["rflags"] == halted["rflags"] and is_listening(halted)
    assert [is_listening(registers) for _, registers, _ in replayed[before + 1 :]] == [
        *[False] * (len(replayed) - before - 2),
        True,
    ]
    told = [registers["rax"] for s, registers, _ in replayed if s["code"].startswith("out ")]
    assert told == ["0x60"], "end of interrupt, line 0"
    assert replayed[-1][1]["rip"] == frame["rip"]


def is_listening(registers):
    return int(registers["rflags"], 16) >> 9 & 1 == 1


def test_pushes_and_pops(own):
    """Each moves rsp by a word, and moves the word."""
    for (step, before, words), (_, after, later) in Replay(own["steps"]).pairs():
        name, _, operand = step["code"].replace("  ", " ").partition(" ")
        operand = operand.strip()
        moved = int(after["rsp"], 16) - int(before["rsp"], 16)
        if name == "push":
            assert moved == -8, step
            assert later[after["rsp"]][0] == before.get(operand, operand), step
        if name == "pop":
            assert moved == 8, step
            assert after[operand] == words[before["rsp"]][0], step


def test_only_the_handler_changes_registers(own):
    """After an exception each register is what the frame says, and the frame what
    it was, but for what the handler has changed in it."""
    if not {"before", "registers-saved", "c-returned", "resumed"} <= set(own["moments"]):
        pytest.skip("not an exception and back")
    steps = Replay(own["steps"]).steps
    at = {name: steps[step] for name, step in own["moments"].items()}
    _, before, _ = at["before"]
    _, saved, frame = at["registers-saved"]
    _, _, returned = at["c-returned"]
    _, resumed, _ = at["resumed"]
    top = int(saved["rsp"], 16)
    wanted = dict(before)
    for address, (value, name, _) in frame.items():
        if int(address, 16) < top or name not in before:
            continue
        if name != "rip":
            assert value == before[name], name
        wanted[name] = returned[address][0]
    ours = set(wanted) - {"cr2", "cr3"}
    assert {n: resumed[n] for n in ours} == {n: wanted[n] for n in ours}

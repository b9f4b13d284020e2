"""test_book_exercises.py: hints, solutions and the list of all exercises.

Mistakes are tried in a tiny book; what holds for each exercise, in the book's own.
"""

import html
import re

import pytest

import chapters
import exercises
import site_of_book
import tiny_book
from webpage import Page

ALL = [(c, name) for c in chapters.names() for name in exercises.names(c)]
each = pytest.mark.parametrize("chapter, name", ALL)


# ---- A tiny book

PATCH = """\
--- a/main.c
+++ b/main.c
@@ -3,3 +3,4 @@
 #include <stdint.h>
 
+#define MORE 1
-#define LIMIT 10
+#define LIMIT 11
--- /dev/null
+++ b/more.h
@@ -0,0 +1,2 @@
+// more.h: new.
+int more;
"""
HINT = "\n::: hint\nLook there.\n:::\n"
EXERCISE = '::: {.exercise #ex:%s check="one" level="hour"}\nDo it.\n%s:::\n\n'
SOLVED = '## A title {#sol:one}\n\n``` {.code solution="one"}\n```\n'
WHOLE = "".join(map(tiny_book.WHOLE.format, tiny_book.FILES))


def make_tiny(root, page, solutions):
    book = tiny_book.copy(root)
    book.write("tests/exercises/01-one/one/solution.patch", PATCH)
    book.page("01-one", "## Exercises {#exercises}\n\n" + page + WHOLE)
    book.page("solutions-01-one", solutions)
    book.page("appendix-exercises", "::: {.exercises}\n:::\n")
    return book, *book.make()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    book, worked, said = make_tiny(root, EXERCISE % ("one", HINT + HINT), SOLVED)
    assert worked, said
    return book


def test_hints_are_numbered(tiny):
    hint = re.compile(r"<summary>(.*?)</summary>\s*(.*?)\s*</details>")
    found = hint.findall(tiny.html("01-one"))
    text = "<p>Look there.</p>"
    assert [h for h in found if h[1] == text] == [("Hint 1", text), ("Hint 2", text)]


def test_solution_is_shown_as_a_change(tiny):
    page = tiny.html("solutions-01-one")
    assert shown(page) == lines_of(PATCH)
    assert re.search(r"<a [^>]*>main.c</a>, lines 3–6, 2 new, 1 removed", page)
    assert "<figcaption>more.h, new file, lines 1–2</figcaption>" in page


def test_solutions_count_as_no_lines_of_the_chapter(tmp_path):
    without = WHOLE.replace('``` {.code file="main.c"}\n```', "")
    book = tiny_book.copy(tmp_path)
    book.write("tests/exercises/01-one/one/solution.patch", PATCH)
    book.page("01-one", "## Exercises {#exercises}\n\n" + without)
    book.page("solutions-01-one", SOLVED)
    worked, said = book.make()
    assert not worked and "no listing of book/01-one.md" in said


def test_solutions_stand_outside_the_order(tiny):
    page = tiny.html("solutions-01-one")
    assert '<a href="01-one.html#exercises" rel="prev"' in page
    assert 'rel="next"' not in page
    others = [tiny.html(name) for name in ("01-one", "02-two", "appendix-exercises")]
    turns = "".join(re.findall(r'<a [^>]*rel="[^>]*>', "".join(others)))
    assert "02-two.html" in turns and "solutions" not in turns


def test_list_tells_what_each_is_about(tiny):
    page = tiny.html("appendix-exercises")
    assert ": 0 to be solved by a line or two, 1 for an hour, 0 for an evening" in page
    assert '<a href="01-one.html#ex-one">1.1 A title</a> · <bdi>hour' in page
    assert '<a href="solutions-01-one.html#sol-one">Solution</a>' in page


MISTAKES = {
    "no hint": (EXERCISE % ("one", ""), SOLVED, "01-one.md:8: an exercise has a hint"),
    "stray hint": (HINT, SOLVED, "01-one.md:9: a hint stands in an exercise"),
    "no solution": (
        EXERCISE % ("one", HINT),
        "Nothing.\n",
        "01-one.md:8: nothing is called #sol:one",
    ),
    "unknown solution": (
        EXERCISE % ("one", HINT),
        SOLVED + SOLVED.replace("sol:one", "x").replace('"one"', '"two"'),
        "solutions-01-one.md:12: there is no tests/exercises/01-one/two/solution.patch",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_told(mistake, tmp_path):
    page, solutions, complaint = MISTAKES[mistake]
    book, worked, said = make_tiny(tmp_path, page, solutions)
    assert not worked
    assert f"book/{complaint}" in said


# ---- The book's own


def lines_of(patch):
    """{file: [(sign, text)]} of a patch."""
    files = {}
    for line in patch.splitlines():
        if line.startswith("+++ b/"):
            lines = files.setdefault(line[6:], [])
        elif not line.startswith(("--- ", "@@ ")):
            lines.append((line[:1] or " ", line[1:]))
    return files


FIGURE = re.compile(r"<figcaption>(.*?)</figcaption>\s*(<pre.*?</pre>)", re.DOTALL)
LINE = re.compile(r"<(a|ins|del)>(.*?)\n</\1>", re.DOTALL)
SIGNS = {"a": " ", "ins": "+", "del": "-"}


def text_of(markup):
    return html.unescape(re.sub("<[^>]*>", "", markup))


def shown(markup):
    """The same of the listings of a page."""
    files = {}
    for caption, code in FIGURE.findall(markup):
        file, *told = text_of(caption).split(", ")
        signs = {**SIGNS, "a": "+"} if "new file" in told else SIGNS
        lines = [(signs[kind], text_of(line)) for kind, line in LINE.findall(code)]
        files.setdefault(file, []).extend(lines)
    return files


def section(page, place):
    """The part of a page from a heading to the next of its level."""
    start = page.index(f'<h2 id="{place}"')
    end = page.find("<h2", start + 1)
    return page[start:end]


def exercise(chapter, name):
    """The markup of an exercise, in the page of its chapter."""
    page = site_of_book.page(chapter).read_text()
    start = page.index(f'<div id="ex-{name}" class="box exercise"')
    return page[start : page.index("</div>", start)]


def test_there_are_exercises():
    assert len(ALL) >= 3 * len(chapters.names())


@each
def test_exercise_has_one_to_three_hints_that_are_closed(chapter, name):
    hints = re.findall(r"<details([^>]*)><summary>Hint (\d)", exercise(chapter, name))
    assert [number for _, number in hints] == ["1", "2", "3"][: len(hints)] and hints
    assert not any("open" in attributes for attributes, _ in hints)


@each
def test_exercise_says_how_to_check(chapter, name):
    assert f"make check EXERCISE={name}</kbd>" in exercise(chapter, name)
    assert "<samp>Solved.</samp>" in exercise(chapter, name)


@each
def test_solution_is_one_click_away(chapter, name):
    (address,) = re.findall(r'href="(solutions-[^"]*)"', exercise(chapter, name))
    file, place = address.split("#")
    there = Page(site_of_book.OUT / file)
    assert place in there.ids()
    assert f'href="{chapter}.html#ex-{name}"' in section(there.source, place)


@each
def test_solution_is_shown_line_by_line(chapter, name):
    page = site_of_book.page(f"solutions-{chapter}").read_text()
    patch = exercises.find(chapter, name).solution.read_text()
    assert shown(section(page, f"sol-{name}")) == lines_of(patch)


def test_solutions_are_not_in_the_chapters():
    for chapter, name in ALL:
        assert not shown(exercise(chapter, name))


def test_list_has_all_exercises():
    page = site_of_book.page("appendix-exercises").read_text()
    listed = re.findall(r'<li><a href="(.*?)\.html#ex-(.*?)">.*?#sol-(.*?)">', page)
    assert sorted(listed) == sorted((chapter, name, name) for chapter, name in ALL)
    assert f"{len(ALL)} exercises: " in page


# ---- In a browser

PAGE = "01-boot"
HINTS = "document.querySelectorAll('.hint')"


def press_enter(browser):
    key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    browser.ask("Input.dispatchKeyEvent", type="keyDown", text="\r", **key)
    browser.ask("Input.dispatchKeyEvent", type="keyUp", **key)


def test_hints_open_by_keyboard_one_by_one(browser):
    browser.open(site_of_book.page(PAGE))
    seen = f"[...{HINTS}].slice(0, 2).map(h => h.querySelector('p').checkVisibility())"
    assert browser.run(seen) == [False, False]
    browser.run("document.querySelector('.hint summary').focus()")
    press_enter(browser)
    assert browser.run(seen) == [True, False]
    browser.press("Tab")
    press_enter(browser)
    assert browser.run(seen) == [True, True]


def test_hints_are_not_printed(browser):
    browser.open(site_of_book.page(PAGE))
    browser.ask("Emulation.setEmulatedMedia", media="print")
    heights = browser.run(f"[...{HINTS}].map(hint => hint.offsetHeight)")
    browser.ask("Emulation.setEmulatedMedia", media="")
    assert heights and not any(heights)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", [PAGE, "solutions-01-boot", "appendix-exercises"])
def test_accessible(name, dark, browser):
    browser.open(site_of_book.page(name), width=390, dark=dark)
    browser.run(f"{HINTS}.forEach(hint => hint.open = true)")
    assert browser.violations("main") == []
    assert browser.run("document.documentElement.scrollWidth") <= 390

"""test_book_chart.py: lines that a kernel has measured, drawn when the book is made.

Lines made by hand go through the filters into a page of a tiny book; those of the
book are held to what is known of the allocators they are about.
"""

import json
import re
import subprocess
import sys

import pytest

import chapters
import site_of_book
from drawn import DrawnBook, Mistakes

ROOT = chapters.ROOT
RECIPES = {  # chapter/name: what measures
    f"{path.parent.name}/{path.name}": path.read_text().split()[-1]
    for path in sorted((ROOT / "book/recordings").glob("*/*"))
    if "--bench" in path.read_text()
}
LABEL = 11  # pixels, that a letter has at least


# ---- Made by hand


def chart(x="operations", y="bytes", **lines):
    parts = {"format": "trapframe-chart 1", "chapter": "01-one", "x": x, "y": y}
    named = [{"name": name, "points": points} for name, points in lines.items()]
    return {**parts, "lines": named}


KIB = 1024
MEMORY = chart(
    asked_for=[[0, 0], [500, 300 * KIB], [2000, 1234 * KIB]],
    first_fit=[[0, 0], [500, 1500 * KIB], [2000, 1240 * KIB]],
    slabs=[[0, 0], [500, 400 * KIB], [2000, 1300 * KIB]],
)
SMALL = chart(x="rounds & more", y="instructions", a=[[1, 5], [4, 17]])
CHARTS = {"memory": MEMORY, "small": SMALL}


def block(name="memory", caption="Memory *taken*.", text="", recording=None):
    recording = recording or f"01-one/{name}"
    attributes = f'.chart #fig:{name} recording="{recording}" caption="{caption}"'
    return f"``` {{{attributes}}}\n{text}```\n\n"


def chart_book(root, charts):
    book = DrawnBook(root, charts, "# A comment.\n--bench it\n")
    book.book.write("tests/bench/01-one/it.c", "")
    return book


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    texts = {name: json.dumps(each) for name, each in CHARTS.items()}
    book = chart_book(tmp_path_factory.mktemp("drawn"), texts)
    book.page("".join(map(block, CHARTS)))
    worked, said = book.make()
    assert worked, said
    return book.book


def figure(book, name):
    return book.html("01-one").split(f'id="fig-{name}"')[1].split("</figure>")[0]


def lines(html):
    """The points of each line: across from 0 to 1000, upwards from 0 to 210."""
    paths = re.findall(r'class="line line-\d" d="M([^"]+)"', html)
    return [
        [(float(x), 210 - float(y)) for x, y in re.findall(r"([^L ]+) ([^L]+)", path)]
        for path in paths
    ]


@pytest.mark.parametrize("name, top", [("memory", 1500 * KIB), ("small", 20)])
def test_points_are_where_they_belong(name, top, drawn):
    made, told = lines(figure(drawn, name)), CHARTS[name]["lines"]
    assert len(made) == len(told)
    for points, line in zip(made, told):
        right = line["points"][-1][0]
        expected = [(x / right * 1000, y / top * 210) for x, y in line["points"]]
        assert points == [pytest.approx(point, abs=0.01) for point in expected]


def texts(html):
    return [
        (float(x), float(y), words)
        for x, y, words in re.findall(r'<text x="([^"]+)%" y="([^"]+)"[^>]*>([^<]*)<', html)
    ]


def test_axes_have_round_numbers(drawn):
    told = texts(figure(drawn, "memory"))
    below = [(x, words) for x, y, words in told if y == 256]
    assert [words for _, words in below] == ["0", "500", "1,000", "1,500", "2,000"]
    assert [x for x, _ in below] == [12 + 16 * n for n in range(5)]
    left = [(y, words) for x, y, words in told if x == 10.5]
    steps = ["0", "250", "500", "750", "1,000", "1,250", "1,500"]
    assert left == [(242 - 35 * n, words) for n, words in enumerate(steps)]
    assert (44, 276, "operations") in told and (0, 14, "KiB") in told


def test_units_other_than_bytes_stay(drawn):
    told = [words for _, _, words in texts(figure(drawn, "small"))]
    assert "instructions" in told and "rounds &amp; more" in told and "20" in told


def test_names_stand_at_the_ends_and_on_none_other(drawn):
    names = [(y, words) for x, y, words in texts(figure(drawn, "memory")) if x == 77.5]
    assert [words for _, words in names] == ["slabs", "first fit", "asked for"]
    heights = [y for y, _ in names]
    assert all(b - a > 16.9 for a, b in zip(heights, heights[1:]))
    assert all(28 <= y <= 242 for y in heights)


def test_picture_is_told_in_words(drawn):
    html = figure(drawn, "memory")
    assert 'role="img" aria-labelledby="fig-memory-title fig-memory-desc"' in html
    assert '<title id="fig-memory-title">Memory taken.</title>' in html
    assert re.search(r'<desc id="fig-memory-desc">([^<]+)<', html)[1] == (
        "Lines over operations, from 0 to 2,000, in KiB. At the end: asked for 1,234, at "
        "most 1,234; first fit 1,240, at most 1,500; slabs 1,300, at most 1,300."
    )
    assert "Memory <em>taken</em>." in html.split("<figcaption")[1]


def test_numbers_stand_in_a_table(drawn):
    table = figure(drawn, "memory").split("<table>")[1].split("</table>")[0]
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)", row) for row in table.split("<tr>")[1:]]
    assert rows == [
        ["operations", "asked for, KiB", "first fit, KiB", "slabs, KiB"],
        ["0", "0", "0", "0"],
        ["500", "300", "1,500", "400"],
        ["2,000", "1,234", "1,240", "1,300"],
    ]


def test_charts_are_numbered_figures_without_scripts_and_colors(drawn):
    assert "Figure 1.2." in figure(drawn, "small")
    assert "<script" not in drawn.html("01-one").split("<main")[1]
    assert not re.search("#[0-9a-f]{3}|style=", figure(drawn, "memory"))


def test_recording_is_made_again_when_what_measures_changes(tmp_path):
    book = chart_book(tmp_path, {"memory": json.dumps(MEMORY)})
    book.page(block())
    worked, said = book.make()
    assert worked and "recording 01-one/memory" in said
    assert book.make() == (True, "")
    changed = json.dumps(MEMORY).replace("1331200", "1331200".replace("13", "14"))
    book.book.write("memory.json", changed)
    assert book.make() == (True, "")
    book.book.write("tests/bench/01-one/it.c", "// Another.\n")
    worked, said = book.make()
    assert worked and "recording 01-one/memory" in said
    assert "slabs 1,398" in figure(book.book, "memory")


PLACE = 'recording="01-one/memory"'
MISTAKES = {
    "no caption": (block().replace(' caption="Memory *taken*."', ""), "needs caption="),
    "no id": (block().replace(" #fig:memory", ""), "needs an id"),
    "wrong id": (block().replace("#fig:", "#lst:"), 'the id has to be "#fig:'),
    "no recording": (block().replace(PLACE, ""), "needs recording="),
    "attribute": (block().replace(PLACE, f'{PLACE} level="2"'), "no attribute level="),
    "text": (block(text="slabs: x\n"), "drawn from its recording alone"),
    "none": (block(recording="01-one/none"), "there is no book/recordings/01-one/none"),
    "walk": (block(recording="01-one/walk"), "is no trapframe-chart 1"),
    "empty": (block(recording="01-one/empty"), "has no lines"),
    "zeros": (block(recording="01-one/zeros"), "all lines are 0"),
    "point": (block(recording="01-one/point"), "a has no two points"),
    "four": (block(recording="01-one/four"), "a chart has at most 3 lines"),
    "apart": (block(recording="01-one/apart"), "a and b have points at different operations"),
    "more": (block(recording="01-one/more"), "a and b have points at different operations"),
    "a chart as a walk": (block().replace(".chart", ".walk"), "is no trapframe-walk 1"),
}
BAD = {
    "memory": MEMORY,
    "walk": {"format": "trapframe-walk 1"},
    "empty": chart(),
    "zeros": chart(a=[[0, 0], [1, 0]]),
    "point": chart(a=[[0, 1]]),
    "four": chart(**{name: [[0, 1], [1, 1]] for name in "abcd"}),
    "apart": chart(a=[[0, 1], [2, 1]], b=[[0, 1], [3, 1]]),
    "more": chart(a=[[0, 1], [2, 1]], b=[[0, 1], [2, 1], [3, 1]]),
}


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory):
    made = {name: json.dumps(each) for name, each in BAD.items()}
    return Mistakes(chart_book(tmp_path_factory.mktemp("mistakes"), made), MISTAKES, "memory")


@pytest.mark.parametrize("title", MISTAKES)
def test_mistake_is_told(title, mistakes):
    mistakes.assert_told(title)


# ---- In a browser


BOXES = """[...document.querySelectorAll('#fig-%s svg text')].map(text => {
  const box = text.getBoundingClientRect();
  return [text.textContent, box.left, box.top, box.right, box.bottom,
          parseFloat(getComputedStyle(text).fontSize)] })"""


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("width", [320, 390, 820, 1920])
def test_letters_can_be_read_and_do_not_overlap(width, name, browser, drawn):
    browser.open(drawn.root / "build/book/01-one.html", width=width)
    assert browser.run("document.documentElement.scrollWidth") <= width
    boxes = browser.run(BOXES % name)
    assert boxes and all(size >= LABEL for *_, size in boxes)
    assert all(0 <= box[1] and box[3] <= width for box in boxes)
    for number, (word, left, top, right, bottom, _) in enumerate(boxes):
        for other in boxes[:number]:
            apart = right < other[1] or other[3] < left
            assert apart or bottom < other[2] + 4 or other[4] < top + 4, (word, other[0])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_lines_differ_also_without_color(dark, browser, drawn):
    browser.open(drawn.root / "build/book/01-one.html", width=390, dark=dark)
    styles = browser.run(
        "[...document.querySelectorAll('#fig-memory .line')].map(line => {"
        " const style = getComputedStyle(line);"
        " return [style.strokeDasharray, style.stroke, style.vectorEffect] })"
    )
    for kind in (0, 1):
        assert len({style[kind] for style in styles}) == 3
    assert {style[2] for style in styles} == {"non-scaling-stroke"}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_accessible(dark, browser, drawn):
    browser.open(drawn.root / "build/book/01-one.html", width=390, dark=dark)
    browser.run("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.violations(".chart") == []


# ---- The book's own


def recorded(chapter, path, *options):
    return subprocess.run(
        [sys.executable, ROOT / "common/record", chapter, path, *options],
        capture_output=True,
        timeout=200,
        text=True,
    )


def test_what_cannot_be_measured_is_told(tmp_path):
    done = recorded("08-heap", tmp_path / "file", "--bench", "nothing")
    assert done.returncode != 0 and "nothing.iso" in done.stderr
    assert not (tmp_path / "file").exists()


@pytest.fixture(scope="module", params=RECIPES)
def own(request, tmp_path_factory):
    """A recording, and what it was made by."""
    file = tmp_path_factory.mktemp("own") / "lines"
    chapter = request.param.split("/")[0]
    with chapters.build_lock():
        done = recorded(chapter, file, "--bench", RECIPES[request.param])
    assert done.returncode == 0, done.stderr
    return json.loads(file.read_text()), request.param


def test_book_shows_what_the_kernel_measures(own):
    """The same today as when the book was made."""
    measured, name = own
    file = site_of_book.made() / f".cache/recordings/{name}.json"
    assert json.loads(file.read_text()) == measured


def test_lines_have_many_points(own):
    measured, _ = own
    for line in measured["lines"]:
        places = [x for x, _ in line["points"]]
        assert len(places) > 40 and places == sorted(set(places))


def test_allocators_take_what_is_asked_for_and_more():
    """Each of them: a block is somewhere, and frames are whole."""
    file = site_of_book.made() / ".cache/recordings/08-heap/fragmentation.json"
    by_name = {
        line["name"]: dict(line["points"]) for line in json.loads(file.read_text())["lines"]
    }
    asked = by_name.pop("asked_for")
    assert set(by_name) == {"first_fit", "slabs"}
    for taken in by_name.values():
        assert all(taken[x] > asked[x] or x == 0 for x in asked)
        assert all(each % 4096 == 0 for each in taken.values())
        assert max(taken.values()) < 2 * max(asked.values())

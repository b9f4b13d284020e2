"""test_book_source.py: the pages of the sources: lines, marks, links between
names, between lines and the prose, and what changed."""

import functools
import gzip
import html
import importlib.util
import re
from urllib.parse import urljoin, urlsplit

import pytest

import chapters
import site_of_book
import tiny_book
from tiny_book import WHOLE
from webpage import Page

SPEC = importlib.util.spec_from_file_location(
    "book_coverage", chapters.ROOT / "book/coverage.py"
)
coverage = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(coverage)

KINDS = ("*.c", "*.h", "*.asm", "*.ld", "Makefile")
BYTES = 25_000  # of a page, compressed

TOLD = site_of_book.chapters_told()
every_chapter = pytest.mark.parametrize("chapter", TOLD)
every_later_chapter = pytest.mark.parametrize("chapter", TOLD[1:])


def previous(chapter):
    return ([None] + TOLD)[TOLD.index(chapter)]


@functools.cache
def kernel(chapter):
    """{file: lines} of a chapter; nothing before the first."""
    directory = chapters.directory(chapter) if chapter else None
    paths = [p for kind in KINDS for p in directory.glob(kind)] if chapter else []
    return {path.name: path.read_text().split("\n")[:-1] for path in sorted(paths)}


def text_of(code):
    return html.unescape(re.sub(r"<[^>]*>", "", code))


LINE = r"((?:<small>.*?</small>)?)<(span|ins) id=L(\d+)><a [^>]*></a>(.*?)\n</\2>"


class SourcePage:
    """lines: { number: (kind, HTML) }, marks: { number: addresses of listings }."""

    def __init__(self, path):
        self.source = path.read_text()
        self.code = re.search(r"<code class=.*?</code></pre>", self.source, re.S)[0]
        self.lines, self.marks = {}, {}
        for mark, kind, number, code in re.findall(LINE, self.code, re.S):
            self.lines[int(number)] = kind, code
            links = re.findall(r'href="([^"]*)"', mark)
            if links:
                self.marks[int(number)] = links
        self.ids = set(re.findall(r' id="?([^ >"]+)', self.source))

    def links(self):
        """Line, address and text of each name that is a link."""
        for number, (_, code) in self.lines.items():
            for found in re.finditer(r"<a (class=d )?href=([^ >]+)>([^<]+)</a>", code):
                yield number, found[2], found[3], bool(found[1])


@functools.cache
def page_of(chapter, name):
    return SourcePage(site_of_book.made() / f"source/{chapter}/{name}.html")


def pages_of(chapter):
    return {name: page_of(chapter, name) for name in kernel(chapter)}


@functools.cache
def prose(chapter):
    return Page(site_of_book.page(chapter)), site_of_book.page(chapter).read_text()


# ---- Lines


@every_chapter
def test_pages_have_every_line(chapter):
    for name, page in pages_of(chapter).items():
        shown = [text_of(code) for _, code in page.lines.values()]
        assert shown == kernel(chapter)[name], name
        assert list(page.lines) == list(range(1, len(shown) + 1)), name


@every_chapter
def test_changed_lines_are_marked(chapter):
    old = kernel(previous(chapter))
    for name, page in pages_of(chapter).items():
        new, before = kernel(chapter)[name], old.get(name, [])
        hunks = coverage.hunks(before, new)
        changed = {n + 1 for _, _, k, l in hunks for n in range(k, l)}
        marked = {n for n, (kind, _) in page.lines.items() if kind == "ins"}
        assert marked == (changed if before else set()), name
        all_new = "all-new" in page.source
        assert all_new == (not before and previous(chapter) is not None), name


# ---- Names


@every_chapter
def test_names_lead_to_their_definitions(chapter):
    for name, page in pages_of(chapter).items():
        for number, address, text, defines in page.links():
            there, place = address.split("#") if "#" in address else (address, "")
            other = page_of(chapter, there.removesuffix(".html")) if there else page
            assert not place or place in other.ids, f"{name}:{number}: {address}"
            if place and not defines:
                _, code = other.lines[int(place[1:])]
                label = re.search(r"\.?\w+$", text)[0]  # start.next is .next there
                names = set(re.findall(r"<a class=d [^>]*>([^<]*)</a>", code))
                assert names & {text, label}, f"{name}:{number}: {text}"


def used(chapter):
    """Every use that some page lists: (symbol's page, its line, file, line)."""
    for name, page in pages_of(chapter).items():
        for entry in re.findall(r"<dt id=.*?</ul>", page.source, re.S):
            first, *uses = re.findall(r"href=([^#>]*)#L(\d+)", entry)
            for there, number in uses:
                file = there.removesuffix(".html") or name
                yield name, int(first[1]), file, int(number)


@every_chapter
def test_uses_are_the_links_turned_round(chapter):
    links = set()
    for name, page in pages_of(chapter).items():
        for number, address, _, defines in page.links():
            there, _, place = address.partition("#L")
            if place and not defines:
                file = there.removesuffix(".html") or name
                links.add((file, int(place), name, number))
    assert set(used(chapter)) == links and links


@every_chapter
def test_symbols_are_listed(chapter):
    source = (site_of_book.made() / f"source/{chapter}/symbols.html").read_text()
    listed = re.findall(r"<li><a href=(\S+).html#(\S+)><code>.*?:(\d+)", source)
    assert all(re.fullmatch(r"u-[\w.-]+", place) for _, place, _ in listed)
    assert all(place in page_of(chapter, name).ids for name, place, _ in listed)
    functions = [
        (name, number)
        for name, lines in kernel(chapter).items()
        for number, line in enumerate(lines, 1)
        if name.endswith(".c") and re.match(r"[a-z].*\w\(.*[^;]$", line)
    ]
    assert functions and {(name, int(n)) for name, _, n in listed} >= set(functions)


SHADOWS = """\
// shadows.c: everything is called count.

static int count;

struct count {
    int count, other;
};

enum { LIMIT = 1 };

// What count is here is a comment.
static int add(int count, struct count *pair)
{
    return count + pair->count + LIMIT;
}

static const char *say(void)
{
    return "count";
}

static int twice(void)
{
    int sum = count;

    for (int count = 0; count < 2; count++)
        sum += count;
    return sum;
}

static struct count of(struct count *pairs)
{
    return (struct count){.count = pairs[count].other};
}

struct pair {
    int count;
    struct count *inner;
};

static int sum(struct pair *pair)
{
    return pair->count + pair->inner->count + of(pair->inner).count;
}
"""

# Line, its names that are links, and the line that each leads to.
MEANT = {
    3: [("count", "#u-count")],
    5: [("count", "#u-struct-count")],
    6: [("count", "#u-count.count"), ("other", "#u-count.other")],
    9: [("LIMIT", "#u-LIMIT")],
    11: [],
    12: [("add", "#u-add"), ("count", "#L5")],
    14: [("count", "#L6"), ("LIMIT", "#L9")],
    19: [],
    24: [],  # ctags knows functions, not blocks: better no link than a wrong one
    26: [],
    27: [],
    31: [("count", "#L5"), ("of", "#u-of"), ("count", "#L5")],
    33: [("count", "#L5"), ("count", "#L6"), ("count", "#L3"), ("other", "#L6")],
    43: [
        ("count", "#L37"),
        *[("inner", "#L38"), ("count", "#L6")],
        *[("of", "#L31"), ("inner", "#L38"), ("count", "#L6")],
    ],
}

LABELS = """\
; labels.asm: has names of its own.

extern add_one
global made_stack

%define WORD dword
count   equ 3

one:
.next:
        mov     eax, WORD [count]
        call    add_one                 ; not one
        jmp     .next
two:
.next:
        jmp     .next
        call    kernel_main             ; not declared

%macro stack 1
%1_stack:
%endmacro
        stack   made
        dq      made_stack
"""

MEANT_LABELS = {
    3: [("add_one", "shared.c.html#L1")],
    4: [("made_stack", "#u-made_stack")],
    6: [("WORD", "#u-WORD")],
    11: [("WORD", "#L6"), ("count", "#L7")],
    12: [("add_one", "shared.c.html#L1")],
    13: [(".next", "#L10")],
    15: [(".next", "#u-two.next")],
    16: [(".next", "#L15")],
    17: [],
    19: [("stack", "#u-stack")],
    22: [("stack", "#L19")],
    23: [("made_stack", "#L4")],
}

SHARED = "int add_one(int count)\n{\n    return count + 1;\n}\n"


@pytest.fixture(scope="module")
def shadows(tmp_path_factory):
    book = tiny_book.copy(tmp_path_factory.mktemp("book"))
    more = {"shadows.c": SHADOWS, "labels.asm": LABELS, "shared.c": SHARED}
    for name, text in more.items():
        book.write(f"chapters/02-two/{name}", text)
    book.page("02-two", "".join(map(WHOLE.format, ["extra.h", *more])))
    worked, said = book.make()
    assert worked, said
    return book


def meanings(book, name):
    page = SourcePage(book.root / f"build/book/source/02-two/{name}.html")
    found = {number: [] for number in page.lines}
    for number, address, text, _ in page.links():
        found[number].append((text, address))
    return found


@pytest.mark.parametrize("number", MEANT)
def test_what_shadows_is_not_linked(number, shadows):
    assert meanings(shadows, "shadows.c")[number] == MEANT[number]


@pytest.mark.parametrize("number", MEANT_LABELS)
def test_labels_belong_to_their_file(number, shadows):
    assert meanings(shadows, "labels.asm")[number] == MEANT_LABELS[number]


# ---- Lines and the prose


def places(chapter):
    """File, first line and id of each listing of the chapter's page."""
    pattern = r'<figure class="listing[^"]*" id="([^"]*)" data-file=.*?href="([^"]*)"'
    for place, address in re.findall(pattern, prose(chapter)[1], re.S):
        _, home, rest = address.split("/")
        name, _, number = rest.partition(".html#L")
        yield home, name, int(number), place


@every_chapter
def test_listings_and_lines_lead_to_each_other(chapter):
    count = 0
    for home, name, number, place in places(chapter):
        page = page_of(home, name)
        assert f"L{number}" in page.ids, name
        if home == chapter:
            assert f"../../{chapter}.html#{place}" in page.marks[number], (name, place)
            count += 1
    own = [
        address
        for page in pages_of(chapter).values()
        for marks in page.marks.values()
        for address in marks
        if address.startswith(f"../../{chapter}.html#")
    ]
    assert len(set(own)) == count, "a listing without a place, or the reverse"


@functools.cache
def texts_of(chapter):
    """{id of a listing: the lines it shows}."""
    ids = re.findall(r' id="([^"]*)" data-file=', prose(chapter)[1])
    listings = prose(chapter)[0].listings
    assert len(ids) == len(listings)
    return {i: {text for _, text in each.lines} for i, each in zip(ids, listings)}


@every_chapter
def test_marked_lines_are_in_the_listing(chapter):
    for name, page in pages_of(chapter).items():
        for number, marks in page.marks.items():
            for address in marks:
                there, place = address.removeprefix("../../").split(".html#")
                line = kernel(chapter)[name][number - 1]
                assert line in texts_of(there)[place], f"{name}:{number}: {address}"


@every_chapter
def test_all_is_explained_somewhere(chapter):
    for name, page in pages_of(chapter).items():
        if kernel(chapter)[name]:
            assert 1 in page.marks, name


# ---- What changed


def sides(chapter):
    """{file: [(class, first line, lines)]} of the page of changes."""
    source = (site_of_book.made() / f"changes-{chapter}.html").read_text()
    parts = re.split(r'<h2 id="([^"]*)">', source)[1:]
    column = (
        r'<code class="?([^">]*?)"?(?: aria-hidden=true)? '
        r'style="counter-reset:line (\d+)">(.*?)</code>'
    )
    for name, part in zip(parts[::2], parts[1::2]):
        blocks = []
        for kind, before, code in re.findall(column, part, re.S):
            lines = re.findall(r"<(a|ins|del)>(.*?)\n</\1>", code, re.S)
            blocks.append((kind, int(before) + 1, [(e, text_of(t)) for e, t in lines]))
        yield name, blocks


@every_later_chapter
def test_changes_make_the_new_file_of_the_old(chapter):
    old, new = kernel(previous(chapter)), kernel(chapter)
    made = {name: dict(enumerate(lines, 1)) for name, lines in old.items()}
    changed = set()
    for name, blocks in sides(chapter):
        changed.add(name)
        before, after = old.get(name, []), new.get(name, [])
        dropped, added = set(), {}
        for kind, first, lines in blocks:
            side = before if kind.startswith("old") else after
            texts = [text for _, text in lines]
            assert texts == side[first - 1 : first - 1 + len(texts)], (name, first)
            numbers = range(first, first + len(texts))
            if lines[0][0] == "del":
                dropped |= set(numbers)
            elif lines[0][0] == "ins":
                added |= dict(zip(numbers, texts))
        kept = iter(text for n, text in enumerate(before, 1) if n not in dropped)
        length = len(before) - len(dropped) + len(added)
        made[name] = [
            added[n] if n in added else next(kept) for n in range(1, length + 1)
        ]
        assert made[name] == after, name
    names = old.keys() | new.keys()
    assert changed == {name for name in names if old.get(name) != new.get(name)}


@every_later_chapter
def test_every_change_has_its_prose(chapter):
    source = (site_of_book.made() / f"changes-{chapter}.html").read_text()
    hunks = re.findall(r"<figcaption>(.*?)</figcaption>", source, re.S)
    ids = set(prose(chapter)[0].ids())
    for hunk in hunks:
        links = re.findall(rf'href="{chapter}.html#([^"]*)"', hunk)
        assert links and ids.issuperset(links), hunk


def test_new_and_removed_files_are_told(tmp_path):
    book = tiny_book.copy(tmp_path)
    (tmp_path / "chapters/02-two/kernel.ld").unlink()
    removed = '``` {.code file="kernel.ld"}\n```\n'
    book.page("02-two", WHOLE.format("extra.h") + removed)
    worked, said = book.make()
    assert worked, said
    source = book.html("changes-02-two")
    assert re.search(r'#extra.h">extra.h</a><td>new<td>\+1<td>−0', source)
    assert re.search(r'#kernel.ld">kernel.ld</a><td>removed<td>\+0<td>−11', source)
    assert 'href="source/01-one/kernel.ld.html"' in source


# ---- All of these pages


def all_pages():
    found = site_of_book.made()
    return [*found.glob("source/**/*.html"), *found.glob("changes-*.html")]


def test_pages_are_light():
    for path in all_pages():
        assert len(gzip.compress(path.read_bytes())) <= BYTES, path
        source = path.read_text()
        head = re.findall(r"<(?:link rel=.(?:stylesheet|preload)|script src)", source)
        assert len(head) + 1 <= 6, f"{path}: {len(head)}"


@every_chapter
def test_links_lead_somewhere(chapter):
    out, ids = site_of_book.made(), {}

    def ids_of(path):
        if path not in ids:
            ids[path] = set(re.findall(r' id="?([^ >"]+)', path.read_text()))
        return ids[path]

    changes = f"changes-{chapter}"
    pages = [p for p in all_pages() if chapter in p.parts or p.stem == changes]
    for page in pages:
        base = page.relative_to(out).as_posix()
        for address in re.findall(r'<a [^>]*?href="?([^ >"]+)', page.read_text()):
            parts = urlsplit(urljoin(base, address))
            assert not address.startswith(("/", "http")), address
            assert (out / parts.path).is_file(), f"{base}: {address}"
            if parts.fragment:
                assert parts.fragment in ids_of(out / parts.path), f"{base}: {address}"


def made_files(book):
    pages = (book.root / "build/book/source").glob("**/*.html")
    return {f"{p.parent.name}/{p.stem}": p.stat().st_mtime_ns for p in pages}


def test_what_another_chapter_says_changes_nothing(tmp_path):
    """02 shows one more line of its kernel: the pages of 01 stay as they are."""
    book = tiny_book.copy(tmp_path)
    before = made_files(book)
    book.page("02-two", WHOLE.format("extra.h") + WHOLE.format("main.c"))
    worked, said = book.make()
    assert worked, said
    after = made_files(book)
    again = {name.split("/")[0] for name in after if after[name] != before.get(name)}
    assert again == {"02-two"}


WIDE = "getComputedStyle(document.querySelector('.diff:not(.one) pre')).display"
TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"


@pytest.mark.parametrize("width, dark", [(320, False), (390, True), (1280, False)])
def test_pages_fit_every_window(width, dark, browser):
    last = TOLD[-1]
    for name in (f"source/{last}/main.c", f"source/{last}/symbols", f"changes-{last}"):
        path = site_of_book.made() / f"{name}.html"
        browser.open(path, width=width, dark=dark)
        assert not browser.run(TOO_WIDE), name
        assert browser.violations("body") == [], name
    assert (browser.run(WIDE) == "grid") == (width == 1280)


def test_a_line_can_be_linked_to(browser):
    browser.open(site_of_book.made() / f"source/{TOLD[-1]}/main.c.html")
    browser.run(
        "{ const line = document.querySelector('#L7').getBoundingClientRect();"
        "document.elementFromPoint(line.left + 10, line.top + 5).click() }"
    )
    assert browser.run("location.hash") == "#L7"
    assert browser.run("document.querySelector(':target').id") == "L7"

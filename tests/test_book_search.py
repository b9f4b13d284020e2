"""test_book_search.py: the search: what is indexed, what is found, the dialog."""

import gzip
import json
import subprocess

import pytest

import chapters
import searching
import site_of_book
import tiny_book
import webserver

FIRST = 3  # results, of which one has to be the page that is wanted

WANTED = {
    "lgdt": "01-boot",
    "0xe85250d6": "01-boot",
    "%rsp": "04-returning",
    "rsp": "04-returning",
    "iretq": "04-returning",
    "CR3": "05-paging",
    "page fault": "05-paging",
    "v=0d": "04-returning",
    "kmalloc": "08-heap",
    "threads.c": "09-scheduling",
    "red zone": "04-returning",
    "triple fault": "01-boot",
    "context switch": "09-scheduling",
}


@pytest.fixture(scope="module")
def address():
    with webserver.serving(site_of_book.made()) as address:
        yield address


@pytest.fixture
def dialog(browser, address):
    browser.open(f"{address}04-returning.html")
    return searching.Dialog(browser)


def requests(browser):
    return browser.run("performance.getEntriesByType('resource').map(entry => entry.name)")


# ---- What is found


@pytest.mark.parametrize("text", WANTED)
def test_finds(dialog, text):
    found = [each for each in dialog.ask(text) if each.kind == "Text"]
    assert f"{WANTED[text]}.html" in [each.page for each in found[:FIRST]], found
    assert "<mark>" in found[0].excerpt


def test_finds_the_section(dialog):
    best = dialog.ask("cheaper ways to return")[0]
    assert (best.page, best.title) == ("04-returning.html", "Cheaper ways to return")
    ids = site_of_book.page("04-returning").read_text()
    assert f'id="{best.place}"' in ids


def test_says_that_there_is_nothing(dialog):
    assert dialog.ask("xyzzy") == []
    assert dialog.told() == "no places with “xyzzy”"


# ---- The dialog


def test_nothing_of_it_is_loaded_before_it_is_used(browser, address):
    browser.open(f"{address}01-boot.html")
    assert not [name for name in requests(browser) if "search" in name or "pagefind" in name]
    searching.Dialog(browser).ask("grub")
    assert any("pagefind.js" in name for name in requests(browser))
    assert all(name.startswith(address) for name in requests(browser))


def test_keys_open_and_close_it(browser, dialog):
    for key in ({}, {"key": "k", "control": True}):
        browser.press("Escape")
        browser.wait_until("!document.querySelector('dialog').open")
        dialog.open(**key)
    assert browser.run("document.querySelectorAll('dialog').length") == 1


def test_slash_is_a_letter_where_one_writes(browser, dialog):
    prevented = browser.run("""
        document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true }))""")
    assert prevented, "the key did not reach the text"


def test_arrows_choose_and_go_round(browser, dialog):
    titles = [each.title for each in dialog.ask("iretq")]
    assert dialog.chosen() == titles[0]
    browser.press("ArrowDown")
    assert dialog.chosen() == titles[1]
    browser.press("ArrowUp")
    browser.press("ArrowUp")
    assert dialog.chosen() == titles[-1]
    assert browser.run("document.querySelectorAll('[aria-selected=true]').length") == 1


def test_enter_goes_to_what_is_chosen(browser, dialog):
    second = dialog.ask("0xe85250d6 header")[0]
    browser.press("Enter")
    browser.wait_until("!location.pathname.includes('returning')")
    assert browser.run("location.pathname + location.hash") == f"/{second.page}#{second.place}"


def test_enter_on_a_place_of_this_page_closes_it(browser, dialog):
    best = dialog.ask("cheaper ways to return")[0]
    browser.press("Enter")
    browser.wait_until(f"location.hash == '#{best.place}'")
    assert not browser.run("document.querySelector('dialog').open")


@pytest.mark.parametrize("dark", [False, True])
def test_dialog_is_accessible(browser, address, dark):
    browser.open(f"{address}01-boot.html", dark=dark)
    searching.Dialog(browser).ask("page fault")
    assert browser.violations("dialog") == []
    assert browser.errors() == []


@pytest.mark.parametrize("width", [320, 390])
def test_dialog_fits_a_phone(browser, address, width):
    browser.open(f"{address}01-boot.html", width=width)
    searching.Dialog(browser).ask("page fault")
    inside = "document.querySelector('dialog').scrollWidth <= innerWidth"
    assert browser.run(inside)


def test_file_says_that_it_cannot_search(browser):
    browser.open(site_of_book.page("01-boot"))
    dialog = searching.Dialog(browser)
    assert dialog.told().startswith("Search works only where a web server")
    browser.write("lgdt")
    assert browser.errors() == []


# ---- What is indexed


def indexed(book):
    """{address: what pagefind knows of it} of an index."""
    pages = {}
    for path in (book / "pagefind/fragment").iterdir():
        text = gzip.decompress(path.read_bytes())
        page = json.loads(text[text.index(b"{") :])
        pages[page["url"].lstrip("/")] = page
    return pages


def source_page(book, chapter, text):
    directory = book / "source" / chapter
    directory.mkdir(parents=True)
    (directory / "main.c.txt").write_text(text)
    html = f'<html lang="en"><main><h1>main.c</h1><pre><a id="1">{text}</a></pre></main>'
    (directory / "main.c.html").write_text(html)


def make_index(book, *pages):
    command = ["node", str(chapters.ROOT / "book/search.mjs"), str(book), *pages]
    subprocess.run(command, check=True, timeout=60)


def test_source_is_indexed_where_it_changed_last(tmp_path):
    for chapter, text in {"01-a": "old", "02-b": "new", "03-c": "new"}.items():
        source_page(tmp_path, chapter, text)
    make_index(tmp_path)
    (address, page), *others = indexed(tmp_path).items()
    assert (address, others) == ("source/02-b/main.c.html", [])
    assert page["filters"] == {"kind": ["code"]}


def test_pages_are_prose_and_dropped_lines_no_part_of_them(tmp_path):
    html = "<main><h1>A</h1><nav>Elsewhere</nav><p>told</p><pre><del>dropped</del></pre></main>"
    (tmp_path / "a.html").write_text(f'<html lang="en">{html}')
    make_index(tmp_path, "a")
    page = indexed(tmp_path)["a.html"]
    assert page["filters"] == {"kind": ["prose"]}
    assert page["content"] == "A. told."


def test_index_is_made_again_when_a_page_changes(tmp_path):
    book = tiny_book.copy(tmp_path)
    assert book.make("SEARCH=yes")[0]
    entry = tmp_path / "build/book/.cache/indexed"
    before = entry.stat().st_mtime_ns
    assert book.make("SEARCH=yes") == (True, "")
    assert entry.stat().st_mtime_ns == before
    book.write("book/03-three.md", tiny_book.PAGE + "An aardvark.\n")
    worked, said = book.make("SEARCH=yes")
    assert worked and "search index" in said
    assert "aardvark" in indexed(tmp_path / "build/book")["03-three.html"]["content"]


def test_book_without_pagefind_says_so_and_has_no_button(tmp_path):
    book = tiny_book.copy(tmp_path)
    assert book.make("SEARCH=yes")[0] and '<button class="search"' in book.html("01-one")
    worked, said = book.make("SEARCH=missing")
    assert worked and "./setup --test" in said
    assert '<button class="search"' not in book.html("01-one")
    assert not (tmp_path / "build/book/pagefind").exists()

"""test_publish.py: the book can be published as it is, and publish.py would tell if
it could not."""

import subprocess

import pytest

import chapters
import publish
import site_of_book

PAGE = """<!DOCTYPE html>
<html lang="en"><head><link rel="stylesheet" href="style.css"></head>
<body><h1 id="top">A page</h1><img src="a.png"> <a href="{}">on</a></body></html>
"""


@pytest.fixture
def book(tmp_path):
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache/links").touch()  # is not published
    (tmp_path / "index.html").write_text(PAGE.format("below/other.html#top"))
    (tmp_path / "below").mkdir()
    (tmp_path / "below/other.html").write_text(
        '<h1 id="top">Another</h1> <a href="../index.html">back</a>'
    )
    (tmp_path / "style.css").write_text("@font-face { src: url(a.woff2) }\n")
    for name in ("a.png", "a.woff2"):
        (tmp_path / name).touch()
    return tmp_path


def faults(book):
    with publish.published(book) as site:
        return site.crawl()


def test_the_book_can_be_published():
    out = site_of_book.made()
    names = [path.relative_to(out) for path in out.rglob("*.html")]
    pages = len([name for name in names if name.parts[0] not in ("404.html", ".cache")])
    done = subprocess.run(
        ["make", "--silent", "-C", str(chapters.ROOT), "publish-check"],
        env=chapters.clean_environment(),
        capture_output=True,
        timeout=200,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (told,) = done.stdout.splitlines()
    assert told.startswith(f"publish-check: {pages} pages of ")


def test_a_good_book_has_no_faults(book):
    with publish.published(book) as site:
        assert site.crawl() == []
        assert "2 pages of 5 files" in site.told()


@pytest.mark.parametrize(
    "link, complaint",
    [
        ("/below/other.html", "is not relative"),
        ("//example.org/", "is not relative"),
        ("file:///below/other.html", "is not relative"),
        ("../index.html", "leads out of the book"),
        ("below/gone.html", "leads nowhere"),
        ("below/other.html#gone", "leads to no place in that page"),
        (".cache/links", "leads nowhere"),
    ],
)
def test_a_wrong_link_is_told(book, link, complaint):
    (book / "below/other.html").write_text('<h1 id="top">Another</h1>')
    text = (book / "index.html").read_text()
    (book / "index.html").write_text(text.replace("</body>", f'<a href="{link}">x</a></body>'))
    assert faults(book) == [f"index.html:3: {link} {complaint}"]


def test_other_hosts_may_be_named_but_send_nothing(book):
    (book / "below/other.html").write_text(
        '<a href="https://example.org/">x</a>\n<img src="https://example.org/a.png">'
        '<h1 id="top">Another</h1>'
    )
    assert faults(book) == ["below/other.html:2: https://example.org/a.png is not relative"]


def test_what_a_style_sheet_needs_is_looked_for(book):
    (book / "a.woff2").unlink()
    assert faults(book) == ["style.css:1: a.woff2 leads nowhere"]


def test_an_orphan_is_told(book):
    (book / "lonely.html").write_text("<h1>Alone</h1>")
    assert faults(book) == ["lonely.html:1: no page leads here"]


def test_a_book_without_search_is_told(book):
    with publish.published(book) as site:
        assert "has no search" in site.search()[0]

"""site_of_book.py: the book's website in build/book, made if it is not there."""

import functools
import subprocess

import chapters

ROOT = chapters.ROOT
OUT = ROOT / "build/book"


@functools.cache
def make():
    with chapters.build_lock():
        return subprocess.run(
            ["make", "--silent", "-C", str(ROOT / "book")],
            env=chapters.clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            text=True,
        )


def made():
    """The directory of the website, up to date."""
    assert make().returncode == 0, make().stdout
    return OUT


def page(name):
    return made() / f"{name}.html"


def names():
    """The names of all pages that come from Markdown."""
    return sorted(path.stem for path in (ROOT / "book").glob("*.md"))


def chapters_told():
    """The chapters that have a page, in order."""
    return [name for name in chapters.names() if name in names()]


def everything():
    """The names of all pages there are; of one further down with its directories."""
    paths = sorted(path.relative_to(made()) for path in made().rglob("*.html"))
    return [str(path.with_suffix("")) for path in paths if path.parts[0] != ".cache"]

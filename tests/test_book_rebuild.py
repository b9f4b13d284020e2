"""test_book_rebuild.py: a chapter's kernel can be made from its page alone.

A reader who has the kernel of the chapter before and types what the listings
show, and deletes what they show as removed, has the kernel of this chapter.
"""

import shutil
import subprocess

import pytest

import chapters
import site_of_book
from webpage import Page

every_chapter = pytest.mark.parametrize("chapter", site_of_book.chapters_told())

COUNTED = ("*.c", "*.h", "*.asm", "*.ld", "Makefile")


def kernel(chapter):
    """{file: lines} of a chapter."""
    directory = chapters.directory(chapter)
    paths = [path for pattern in COUNTED for path in directory.glob(pattern)]
    return {path.name: path.read_text().split("\n")[:-1] for path in paths}


def read_listing(listing, is_new_file):
    """What it adds, {line: (old lines before, text)}, and the old lines it drops."""
    added, dropped = {}, set()
    before, number = listing.after, listing.first
    for kind, text in listing.lines:
        if kind == "del":
            before += 1
            dropped.add(before)
            continue
        if kind == "ins" or listing.all_new or is_new_file:
            added[number] = before, text
        else:
            before += 1
        number += 1
    return added, dropped


def apply(listings, old):
    """The lines of a file, from its listings and the lines it had before."""
    added, dropped = {}, set()
    for listing in listings:
        more, fewer = read_listing(listing, not old)
        added |= more
        dropped |= fewer
    new = []
    for before in range(len(old) + 1):
        new += [text for _, (at, text) in sorted(added.items()) if at == before]
        if before < len(old) and before + 1 not in dropped:
            new.append(old[before])
    return new


def rebuild(page, old):
    """{file: lines} of the chapter the page is about."""
    files = {listing.file for listing in page.listings} | set(old)
    new = {}
    for file in files:
        listings = [each for each in page.listings if each.file == file]
        lines = apply(listings, old.get(file, []))
        if lines:
            new[file] = lines
    return new


def without_blank_lines(files):
    return {name: [line for line in files[name] if line.strip()] for name in files}


def rebuilt(chapter):
    place = chapters.names().index(chapter)
    previous = kernel(chapters.names()[place - 1]) if place else {}
    return rebuild(Page(site_of_book.page(chapter)), previous)


@every_chapter
def test_page_has_the_whole_kernel(chapter):
    made = without_blank_lines(rebuilt(chapter))
    wanted = without_blank_lines(kernel(chapter))
    assert made.keys() == wanted.keys()
    for name in wanted:
        assert made[name] == wanted[name], name


@every_chapter
def test_rebuilt_kernel_builds(chapter, tmp_path):
    directory = tmp_path / "chapters" / chapter
    directory.mkdir(parents=True)
    shutil.copytree(chapters.ROOT / "common", tmp_path / "common")
    for name, lines in rebuilt(chapter).items():
        (directory / name).write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        ["make", "--silent", "-C", str(directory), "build/kernel.elf"],
        env=chapters.clean_environment(),
        capture_output=True,
        timeout=60,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr

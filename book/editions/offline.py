#!/usr/bin/env python3
"""offline.py: the website as one file, to be unpacked and read without a server.

    offline.py DIRECTORY          makes DIRECTORY/trapframe.zip of the site there

A page that comes from a file may not preload fonts (the style sheet loads them all
the same), and has no other editions beside it. Nothing else is changed. The file
is left alone while the site is older than it and has the same files.
"""

import re
import sys
import zipfile
from pathlib import Path

import archive

NOT_THERE = re.compile(
    r'<link rel="preload" [^>]*>\n|<p class="editions">.*?</p>\n', re.S
)


def site(directory):
    """The files of the site, by name."""
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory)
        other = name.parts[0] == ".cache" or path.stem in ("trapframe", "coverage")
        if path.is_file() and not other:
            yield f"trapframe/{name}", path


def up_to_date(target, files):
    if not target.exists():
        return False
    newest = max(path.stat().st_mtime for path in files.values())
    with zipfile.ZipFile(target) as made:
        return newest < target.stat().st_mtime and made.namelist() == list(files)


def content(path):
    if path.suffix != ".html":
        return path.read_bytes()
    return NOT_THERE.sub("", path.read_text())


def main(directory):
    target, files = directory / "trapframe.zip", dict(site(directory))
    if not up_to_date(target, files):
        print("zip of the site")
        archive.write(target, {name: content(path) for name, path in files.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))

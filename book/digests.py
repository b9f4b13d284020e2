"""What a record was made from, to see later whether that is still the same.

    digests.py CHAPTER...      in the root of the book; prints a line each: the name of
                               a chapter and the digest of its sources, tabs between
                               them; and one for "common", what builds all chapters
"""

import hashlib
import pathlib
import sys

from coverage import COUNTED

COMMON = ("kernel.mk", "symbols.awk", "*.cfg")


def digest(directory, patterns):
    """One number for the names and the contents of the files."""
    paths = sorted(path for each in patterns for path in directory.glob(each))
    each = [hashlib.sha1(path.read_bytes()).hexdigest() + path.name for path in paths]
    return hashlib.sha1("\n".join(each).encode()).hexdigest()


def digests(root, chapters):
    found = {name: digest(root / "chapters" / name, COUNTED) for name in chapters}
    return found | {"common": digest(root / "common", COMMON)}


if __name__ == "__main__":
    for line in digests(pathlib.Path(), sys.argv[1:]).items():
        print(*line, sep="\t")

"""sources.py: what a record's kernels were made of, for its head."""

import sys

import chapters

sys.path.append(str(chapters.ROOT / "book"))

import digests  # noqa: E402


def head():
    """For each chapter, and for what builds all, the digest of its sources."""
    found = digests.digests(chapters.ROOT, chapters.names())
    return {f"sources {name}": digest for name, digest in found.items()}


def check_unchanged(before):
    """While something ran nobody should have changed what it was about."""
    if before != head():
        sys.exit("not recorded: the sources have changed meanwhile")

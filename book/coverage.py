"""What each chapter changes, and whether its page shows all of it.

    coverage.py changes CACHE CHAPTER...       writes CACHE/CHAPTER.changes
    coverage.py report CACHE OUT CHAPTER...    writes OUT, the table of coverage

Both run in the root of the book and take all chapters in order. The changes are
a line a hunk, five fields separated by tabs: file, and the half-open ranges of
lines, counted from 0, that disappear from the previous chapter's file and that
appear in this chapter's. All of the first chapter appears.

The report also reads CACHE/CHAPTER.shown, written by the page's filters: file,
"+" or "-", line number. It fails when a line that is not blank appears or
disappears and the page does not show it.
"""

import difflib
import pathlib
import sys

COUNTED = ("*.c", "*.h", "*.asm", "*.ld", "Makefile")


def kernel_sources(chapter):
    """{file name: lines} of the kernel of a chapter."""
    directory = pathlib.Path("chapters", chapter)
    paths = [p for pattern in COUNTED for p in directory.glob(pattern)]
    return {p.name: p.read_text().splitlines() for p in sorted(paths)}


def slide(lines, first, last):
    """Where a run of changed lines reads best.

    Lines first..last may equally well be said to change a line earlier, when
    the line before is like the last of them. The best place begins after a
    blank line, as a definition does; the second best is the last.
    """
    while last < len(lines) and lines[first] == lines[last]:
        first, last = first + 1, last + 1
    latest = first, last
    while first > 0 and lines[first - 1] == lines[last - 1]:
        if lines[first - 1] == "" and lines[first] != "":
            return first, last
        first, last = first - 1, last - 1
    return (first, last) if first == 0 else latest


def trifling(lines, first, last):
    """Only braces and blank lines, within a definition?"""
    between = set(lines[first:last])
    inside = any(between) or "".join(lines[last:last + 1]).startswith(" ")
    return between <= {"", "{", "}"} and inside


def changes(old, new):
    """The ranges (i, j, k, l) such that old[i:j] became new[k:l].

    Replaced ranges with only a brace or two between them are one change: a
    function that takes another's place has those in common with it, and no more.
    """
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    merged, replaced = [], False
    for tag, i, j, k, l in matcher.get_opcodes():
        if tag == "equal":
            continue
        if replaced and tag == "replace" and trifling(new, merged[-1][3], k):
            i, k = merged.pop()[::2]
        merged.append((i, j, k, l))
        replaced = tag == "replace"
    return merged


def split(old, new, hunk):
    """A changed end of a definition, and a definition that is new behind it.

    They look like one change when the last line they share, a brace or a blank
    line, is taken for the end of the new definition and not for that of the
    changed one. The same when the definition behind it is gone.
    """
    i, j, k, l = hunk
    end = new[l] if l < len(new) and i < j and k < l else None
    if end in ("", "}") and end in new[k:l]:
        at = new.index(end, k)
        return [(i, j, k, at), (j + 1, j + 1, at + 1, l + 1)]
    if end in ("", "}") and end in old[i:j]:
        at = old.index(end, i)
        return [(i, at, k, l), (at + 1, j + 1, l + 1, l + 1)]
    return [hunk]


def settle(old, new, hunk):
    """The hunk where it reads best."""
    i, j, k, l = hunk
    if i == j:
        first, last = slide(new, k, l)
        return i + first - k, j + first - k, first, last
    if k == l:
        first, last = slide(old, i, j)
        return first, last, k + first - i, l + first - i
    return hunk


def hunks(old, new):
    parts = (part for hunk in changes(old, new) for part in split(old, new, hunk))
    return [settle(old, new, part) for part in parts]


def write_changes(cache, chapters):
    """Files that stay as they are keep their time, so that make sees it."""
    old = {}
    for chapter in chapters:
        new, rows = kernel_sources(chapter), []
        for name in sorted(old.keys() | new.keys()):
            for hunk in hunks(old.get(name, []), new.get(name, [])):
                rows.append("\t".join(map(str, (name, *hunk))) + "\n")
        path = pathlib.Path(cache, f"{chapter}.changes")
        if not path.exists() or path.read_text() != "".join(rows):
            path.write_text("".join(rows))
        old = new


def changed_lines(cache, chapter, previous):
    """{(file, sign, line number)} of the lines that have to be shown."""
    new = kernel_sources(chapter)
    old = kernel_sources(previous) if previous else {}
    changed = set()
    for row in (cache / f"{chapter}.changes").read_text().splitlines():
        name, *numbers = row.split("\t")
        i, j, k, l = map(int, numbers)
        changed |= {(name, "-", n + 1) for n in range(i, j) if old[name][n].strip()}
        changed |= {(name, "+", n + 1) for n in range(k, l) if new[name][n].strip()}
    return changed


def shown_lines(cache, chapter):
    path = cache / f"{chapter}.shown"
    if not path.exists():
        return set()
    rows = (row.split("\t") for row in path.read_text().splitlines())
    return {(name, sign, int(number)) for name, sign, number in rows}


def ranges(numbers, lines):
    """[1, 2, 4, 7] becomes "1-4, 7" if line 3 is blank."""
    parts = []
    for number in sorted(numbers):
        if parts and not any(map(str.strip, lines[parts[-1][1]:number - 1])):
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{a}-{b}" if a < b else str(a) for a, b in parts)


def complain(chapter, previous, missing):
    for name, sign in sorted({(name, sign) for name, sign, _ in missing}):
        numbers = {n for f, s, n in missing if (f, s) == (name, sign)}
        where = chapter if sign == "+" else previous
        what = "new here" if sign == "+" else f"dropped by {chapter}"
        lines = ranges(numbers, kernel_sources(where)[name])
        print(f"chapters/{where}/{name}:{min(numbers)}: {what}, but no listing "
              f"of book/{chapter}.md shows line {lines}", file=sys.stderr)


def report(cache, out, chapters):
    cache, ok = pathlib.Path(cache), True
    rows = ["chapter\tchanged\tshown\tpercent"]
    for previous, chapter in zip([None, *chapters], chapters):
        changed = changed_lines(cache, chapter, previous)
        missing = changed - shown_lines(cache, chapter)
        shown = len(changed) - len(missing)
        percent = 100 * shown / len(changed) if changed else 100
        rows.append(f"{chapter}\t{len(changed)}\t{shown}\t{percent:.1f}")
        complain(chapter, previous, missing)
        ok = ok and not missing
    pathlib.Path(out).write_text("\n".join(rows) + "\n")
    return ok


def main(command, *arguments):
    if command == "changes":
        write_changes(arguments[0], arguments[1:])
    elif not report(arguments[0], arguments[1], arguments[2:]):
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""records.py: tables of what was found out once, committed and shown in the book.

    # Written by make matrix RECORD=1.
    # date<tab>2026-11-27
    # gcc<tab>12.2.0
    01-boot<tab>UEFI<tab>pass

First what it is, then its head: what it was found out with, and when; then its rows.
"""

import re
import subprocess
import time

UNKNOWN = "unknown"
PACKAGE = "dpkg-query", "-W"  # for what does not tell its version
COMMANDS = {
    "gcc": ("gcc", "--version"),
    "clang": ("clang", "--version"),
    "NASM": ("nasm", "--version"),
    "GNU ld": ("ld", "--version"),
    "GRUB": ("grub-mkrescue", "--version"),
    "QEMU": ("qemu-system-x86_64", "--version"),
    "OVMF": (*PACKAGE, "ovmf"),
    "Bochs": (*PACKAGE, "bochs"),
}


def version(program):
    """The first number with points in what it says."""
    try:
        done = subprocess.run(COMMANDS[program], capture_output=True, text=True)
    except FileNotFoundError:
        return UNKNOWN
    found = re.search(r"\d+(\.\d+)+[\w.+~-]*", done.stdout)
    return found[0] if found else UNKNOWN


def head(*programs):
    """The date, and the versions of what has to do with it."""
    today = time.strftime("%Y-%m-%d", time.gmtime())
    return {"date": today} | {name: version(name) for name in programs}


def write(path, written_by, head, rows):
    lines = [f"# Written by {written_by}."]
    lines += [f"# {key}\t{value}" for key, value in head.items()]
    lines += ["\t".join(map(str, row)) for row in rows]
    path.write_text("\n".join(lines) + "\n")


def read(path):
    """Its head and its rows."""
    lines = path.read_text().splitlines()[1:]
    head = dict(line[2:].split("\t") for line in lines if line.startswith("# "))
    return head, [tuple(line.split("\t")) for line in lines if line[0] != "#"]

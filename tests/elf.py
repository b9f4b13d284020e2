"""elf.py: what binutils know about objects and kernels.

CROSS in the environment is the prefix of a cross compiler's tools, as for make.
"""

import collections
import os
import re
import subprocess

Segment = collections.namedtuple("Segment", "kind address size flags")


def tool(name, *arguments):
    """What a tool of binutils prints."""
    command = [os.environ.get("CROSS", "") + name, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def symbols(path):
    """The addresses of a kernel's symbols, NASM's local labels included."""
    found = {}
    for line in tool("nm", path).splitlines():
        address, kind, name = line.rsplit(None, 2)
        if kind not in "aA":  # a constant
            found[name] = int(address, 16)
    return found


def undefined(path):
    """The symbols an object needs from others."""
    return set(re.findall(r"U (\S+)", tool("nm", "-u", path)))


def functions(path):
    """An object's functions: name, and its disassembly with relocations."""
    listing = tool("objdump", "-dr", "--no-show-raw-insn", "-M", "intel", path)
    parts = re.split(r"^[0-9a-f]+ <(\S+)>:\n", listing, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2]))


def segments(path):
    """A kernel's program headers."""
    header = re.compile(
        r"^\s+([A-Z_]+)\s+0x\S+ (0x\S+) 0x\S+ 0x\S+ (0x\S+) ([RWE ]{3})"
    )
    lines = tool("readelf", "-lW", path).splitlines()
    return [
        Segment(m[1], int(m[2], 16), int(m[3], 16), m[4].replace(" ", ""))
        for m in filter(None, map(header.match, lines))
    ]

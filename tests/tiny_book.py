"""tiny_book.py: a book of two chapters, to try the pipeline on."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import chapters

BOOT = """\
; boot.asm: the first instruction.

MAGIC   equ 1
PORT    equ 2                           ; where it goes

%macro outb 2                           ; port, value
        mov     dx, %1
        mov     al, %2
        out     dx, al
%endmacro

section .text
bits 32

; start: GRUB jumps here.
start:
        mov     eax, MAGIC
.next:
        jmp     .next

bits 64

halt:
        hlt
; Waits for ever.
spin:
        jmp     spin

section .data

align 8
table:
%assign page 0
%rep 2
        dq      page
%assign page page + 1
%endrep

section .bss

stack:  resb 16
"""

MAIN = """\
// main.c: all there is.

#include <stdint.h>

#define LIMIT 10
enum { ROWS = 25, COLUMNS = 80 };

struct point {
    int x, y;  // { not a brace
};

static int helper(int a);

// Where it starts.
static struct point origin = {0, 0};

typedef int operation(int, int);

static void (*hook)(int);

_Static_assert(sizeof(struct point) == 8,
               "two integers");

static const char opening[] = {'{', '(',
                               '['};

/* Adds
one. */
static int helper(int a)
{
    return a + '{' + '1';
}

static void either(void)
{
#if LIMIT
    if (LIMIT) {
#else
    while (LIMIT) {
#endif
    }
}

void kernel_main(void)
{
    helper(origin.x);
    if (hook)
        hook("it's {"[0]);
}
"""

LD = """\
ENTRY(start)

SECTIONS
{
    . = 1M;
    .text : {
        *(.text)
    }
    /* zeros */
    .bss : { *(.bss) }
}
"""

MAKEFILE = """\
OBJECTS = boot.o main.o

include ../../common/kernel.mk

# Say hello.
hello: main.o
\techo hello
"""

PAGE = """\
---
title: Chapter
description: A chapter of a book that is as small as a book can be.
---

"""

WHOLE = """\
``` {{.code file="{}"}}
```

"""

FILES = {"Makefile": MAKEFILE, "boot.asm": BOOT, "kernel.ld": LD, "main.c": MAIN}
NEW_FILE = "// extra.h: new.\n"

@functools.cache
def made_before():
    """A directory with a book that has been made; it goes when Python ends."""
    directory = tempfile.TemporaryDirectory()
    book = TinyBook(Path(directory.name))
    worked, said = book.make()
    assert worked, said
    return directory


def copy(root):
    """A book that has been made, in an empty directory: quicker than a new one."""
    shutil.copytree(made_before().name, root, dirs_exist_ok=True)
    book = TinyBook.__new__(TinyBook)
    book.root = root
    return book


class TinyBook:
    """Chapter 01-one shows all of itself; 02-two has one file more."""

    def __init__(self, root):
        self.root = root
        for chapter in ("01-one", "02-two"):
            for name, text in FILES.items():
                self.write(f"chapters/{chapter}/{name}", text)
        self.write("chapters/02-two/extra.h", NEW_FILE)
        self.page("01-one", "".join(map(WHOLE.format, FILES)))
        self.page("02-two", WHOLE.format("extra.h"))

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, path):
        return (self.root / path).read_text()

    def page(self, name, text):
        self.write(f"book/{name}.md", PAGE + text)

    def line(self, name, text):
        """The number of the line of a page that has the text."""
        lines = self.read(f"book/{name}.md").splitlines()
        return next(n for n, line in enumerate(lines, 1) if text in line)

    def change(self, chapter, name, old, new):
        path = f"chapters/{chapter}/{name}"
        text = self.read(path)
        assert old in text
        self.write(path, text.replace(old, new))

    def make(self, *arguments):
        """Make the book: whether that worked, and what was said."""
        command = ["make", "--silent", "-C", str(chapters.ROOT / "book")]
        command += ["SEARCH=no", "EDITIONS="]
        environment = chapters.clean_environment()
        environment.pop("DRAFT", None)
        done = subprocess.run(
            [*command, f"ROOT={self.root}", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            text=True,
        )
        return done.returncode == 0, done.stdout

    def html(self, name):
        return self.read(f"build/book/{name}.html")

"""test_site_valid.py: every page of the book's website, its style sheets and its
drawings are valid, as the W3C's checker says: vnu, which runs in Java."""

import json
import re
import subprocess
from pathlib import Path

import site_of_book

VNU = Path(__file__).resolve().parent / "node_modules/vnu-jar/build/dist/vnu.jar"
STEPPER = site_of_book.ROOT / "book/theme/stepper/stepper.css"  # goes into scripts
STACK = "-Xss8m"  # it goes into nested elements by calls

# What is right, though the checker does not know it yet.
KNOWN = [
    # CSS Anchor Positioning: side notes stand beside their words. Behind @supports.
    r"CSS: “(anchor-name|position-anchor)”: Property “.*” doesn't exist",
    r"CSS: “top”: (“anchor\(.*” is not a “top” value|Parse Error)",
    # CSS Overflow 5: the list of sections marks the one that is read.
    r"CSS: “scroll-target-group”: Property “.*” doesn't exist",
    r"CSS: Unknown pseudo-element or pseudo-class “:target-current”",
    # CSS Containment: the stepper fits into its column.
    r"CSS: “container-type”: Property “.*” doesn't exist",
    r"CSS: “container”: Parse Error",
    # SVG 2: lines of a chart stay as thick as they are when it is stretched.
    r"CSS: “vector-effect”: Property “.*” doesn't exist",
]


def messages(files):
    """What the checker says against the files. One run for all: Java starts slowly."""
    assert VNU.exists(), "no vnu-jar: run ./setup --test"
    flags = ["--also-check-css", "--also-check-svg", "--exit-zero-always"]
    done = subprocess.run(
        ["java", STACK, "-jar", VNU, *flags, "--stdout", "--format", "json", *files],
        stdout=subprocess.PIPE,
        timeout=200,
    )
    assert done.returncode == 0, "Java fails: see above, and ./setup --check --test"
    return json.loads(done.stdout)["messages"]


def is_fault(message):
    """Errors and warnings; vnu also gives advice, which is neither."""
    advice = message["type"] == "info" and message.get("subType") != "warning"
    return not advice and not any(re.match(known, message["message"]) for known in KNOWN)


def test_site_is_valid():
    made = site_of_book.made()
    files = [site_of_book.page(name) for name in site_of_book.everything()]
    files += [*made.glob("*.css"), *made.glob("*.svg"), STEPPER]
    told = [
        f"{m['url'].partition('book/')[2]}:{m.get('lastLine')}: {m['message']}"
        f" In: {' '.join(m.get('extract', '').split())}"
        for m in messages(files)
        if is_fault(m)
    ]
    assert not told, "\n" + "\n".join(told)

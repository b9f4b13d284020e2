#!/usr/bin/env python3
"""pictures.py: pictures that Chromium takes.

    pictures.py social OUT PAGE...   OUT/social/PAGE.png for each page of the site
                                     in OUT: what others show beside a link to it
    pictures.py icon                 theme/favicon.png, from theme/favicon.svg
"""

import base64
import sys
from pathlib import Path

BOOK = Path(__file__).resolve().parent
sys.path.insert(0, str(BOOK.parent / "tests"))

from browser import Browser, BrowserError  # noqa: E402

SOCIAL = 1200, 630  # pixels
ICON = 32, 32
STYLE = """{
    const style = document.createElement("style");
    style.textContent = %r;
    document.head.append(style);
    document.fonts.load("1em Text", "a").then(() => document.fonts.ready).then(() => 0);
}"""


def take(browser, path):
    shot = browser.ask("Page.captureScreenshot", format="png")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(base64.b64decode(shot["data"]))


def social(browser, out, *pages):
    style = STYLE % (BOOK / "theme/social/social.css").read_text()
    for page in pages:
        width, height = SOCIAL
        browser.open(Path(out, f"{page}.html"), width=width, height=height)
        browser.run(style)
        take(browser, Path(out, f"social/{page}.png"))


def icon(browser):
    width, height = ICON
    browser.open(BOOK / "theme/favicon.svg", width=width, height=height)
    clear = {"r": 0, "g": 0, "b": 0, "a": 0}
    browser.ask("Emulation.setDefaultBackgroundColorOverride", color=clear)
    take(browser, BOOK / "theme/favicon.png")


def main(what, *arguments):
    with Browser() as browser:
        {"social": social, "icon": icon}[what](browser, *arguments)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BrowserError as error:
        sys.exit(f"book/pictures.py: {error}")

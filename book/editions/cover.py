#!/usr/bin/env python3
"""cover.py: draws cover.png, which is in the EPUB, of cover.svg."""

import base64
import sys
import tempfile
from pathlib import Path

import theme

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "tests"))
from browser import Browser  # noqa: E402

SIZE = {"width": 1200, "height": 1600}
PAGE = "<style>{} svg {{ position: absolute; left: 0; top: 0 }}</style>{}"


def main():
    style = theme.style(theme.PATH.as_uri() + "/")
    with tempfile.NamedTemporaryFile("w", suffix=".html") as page, Browser() as browser:
        page.write(PAGE.format(style, (HERE / "cover.svg").read_text()))
        page.flush()
        browser.open(Path(page.name), **SIZE)
        browser.run("document.fonts.ready.then(() => 0)")
        data = browser.ask("Page.captureScreenshot")["data"]
    (HERE / "cover.png").write_bytes(base64.b64decode(data))


if __name__ == "__main__":
    main()

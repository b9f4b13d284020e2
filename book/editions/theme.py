"""theme.py: what the editions take of the site's style sheet, theme/style.css."""

import re
from pathlib import Path

PATH = Path(__file__).resolve().parents[1] / "theme"
SHEET = (PATH / "style.css").read_text()


def style(root):
    """The sheet, with its fonts in the directory at ROOT. What is drawn once waits
    for them; on the site a font that comes late is left out."""
    sheet = SHEET.replace("font-display: optional", "font-display: block")
    return sheet.replace("url(fonts/", f"url({root}fonts/")


def colors():
    """The light one of each color that the sheet names."""
    light = dict(re.findall(r"(--[\w-]+): light-dark\(([^,]*),", SHEET))
    others = re.findall(r"(--(?:fig|bits)-[\w-]+): var\((--[\w-]+)\);", SHEET)
    return light | {name: light[other] for name, other in others}


COLORS = colors()


def plain(text):
    """The text of an attribute or a style sheet with colors for its variables."""
    text = text.replace("var(--mono)", "Mono, monospace")
    return re.sub(r"var\((--[\w-]+)\)", lambda found: COLORS[found[1]], text)

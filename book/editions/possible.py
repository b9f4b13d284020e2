#!/usr/bin/env python3
"""possible.py: prints the editions that can be made on this machine."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from browser import NAMES  # noqa: E402

EPUB = bool(find_spec("html5lib"))
PDF = EPUB and any(map(shutil.which, NAMES)) and bool(shutil.which("pdfinfo"))

print("zip", *["epub"] * EPUB, *["pdf"] * PDF)

#!/usr/bin/env python3
"""Make the three web fonts of the book from their published packages.

    subset.py LITERATA MPLUS IOSEVKA

Each argument is an unpacked npm package; README.md says which, in which
version. The results are written next to this script. Needs fonttools and
brotli (Debian: python3-fonttools, python3-brotli).
"""
import sys
from pathlib import Path

from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

HERE = Path(__file__).resolve().parent


def span(first, last):
    return set(range(first, last + 1))


LATIN = span(0x20, 0x7e) | span(0xa0, 0xff) | set(map(
    ord, "ıŁłŒœŠšŽž‐‑–—‘’‚“”„†‡•…‰′″‹›€™−≈≠≤≥⁄"))
# What a terminal draws with. Iosevka has it in the width of M PLUS 1 Code.
TERMINAL = span(0x2190, 0x2195) | span(0x2500, 0x2593) | set(map(
    ord, "⇐⇒⇔∈∞⊕⋮⋯■□▪▲▶▼◀●○✓✗\ufffd"))


def subset(font, codes, features=()):
    options = Options()
    options.layout_features = list(features)
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.drop_tables += ["STAT", "MVAR", "VVAR", "vhea", "vmtx"]
    worker = Subsetter(options)
    worker.populate(unicodes=codes)
    worker.subset(font)


def rename(font, family, style):
    """A changed font must not carry the name of the original (OFL 1.1)."""
    for key, value in {1: family, 2: style, 3: f"{family} {style}",
                       4: f"{family} {style}",
                       6: f"{family}-{style}".replace(" ", "")}.items():
        font["name"].removeNames(nameID=key)
        font["name"].setName(value, key, 3, 1, 0x409)


def save(font, name):
    font.flavor = "woff2"
    font.save(HERE / name)
    print(f"{(HERE / name).stat().st_size:6d} {name}")


def text(package, style, axes, name):
    font = TTFont(package / f"files/literata-latin-standard-{style}.woff2")
    subset(font, LATIN, ["ccmp", "kern", "mark", "liga", "lnum", "tnum"])
    font = instantiateVariableFont(font, axes)
    rename(font, "Trapframe Text", style.title())
    save(font, name)


def narrow(font):
    """Iosevka draws some symbols two columns wide and substitutes these."""
    table = font["GSUB"].table
    return {wide: thin for record in table.FeatureList.FeatureRecord
            for index in record.Feature.LookupListIndex
            for lookup in table.LookupList.Lookup[index].SubTable
            for wide, thin in getattr(lookup, "ExtSubTable", lookup).mapping.items()}


def graft(font, donor, codes):
    """Give the font the donor's glyphs for the codes that it lacks."""
    mapping, thin = donor.getBestCmap(), narrow(donor)
    column = font["hmtx"]["a"][0]
    for code in sorted(codes - set(font.getBestCmap())):
        name = thin.get(mapping[code], mapping[code])
        new = f"uni{code:04X}"
        assert donor["hmtx"][name][0] == column, f"width of {code:#x}"
        outline = DecomposingRecordingPen(donor.getGlyphSet())
        donor.getGlyphSet()[name].draw(outline)
        pen = TTGlyphPen(None)
        outline.replay(pen)
        font["glyf"][new] = pen.glyph()
        font["hmtx"][new] = donor["hmtx"][name]
        font["gvar"].variations[new] = []
        for table in font["cmap"].tables:
            if table.isUnicode():
                table.cmap[code] = new


def mono(package, donor_package, name):
    font = TTFont(package / "files/m-plus-1-code-latin-wght-normal.woff2")
    subset(font, LATIN)
    font = instantiateVariableFont(font, {"wght": (400, 700)})
    font.flavor = None
    for table in "HVAR", "GSUB", "GPOS", "GDEF":
        if table in font:
            del font[table]
    donor = TTFont(donor_package / "files/iosevka-latin-400-normal.woff2")
    subset(donor, TERMINAL, ["NWID"])
    graft(font, donor, TERMINAL)
    rename(font, "Trapframe Mono", "Regular")
    save(font, name)


if __name__ == "__main__":
    literata, mplus, iosevka = map(Path, sys.argv[1:])
    text(literata, "normal", {"wght": (400, 700), "opsz": (14, 36)}, "text.woff2")
    text(literata, "italic", {"wght": 400, "opsz": 18}, "text-italic.woff2")
    mono(mplus, iosevka, "mono.woff2")

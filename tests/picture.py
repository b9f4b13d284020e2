"""picture.py: turn what QEMU's screendump writes into a PNG file."""

import struct
import zlib


def chunk(kind, data):
    """One chunk of a PNG file: length, kind, data and checksum."""
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png_from_ppm(ppm):
    """The PNG file with the pixels of PPM, a binary portable pixmap (P6)."""
    magic, width, height, depth, pixels = ppm.split(maxsplit=4)
    if magic != b"P6" or depth != b"255":
        raise ValueError("not a portable pixmap with 8 bits a color")
    width, height = int(width), int(height)
    stride = 3 * width
    pixels = ppm[len(ppm) - stride * height :]
    rows = (pixels[y * stride : (y + 1) * stride] for y in range(height))
    scanlines = b"".join(b"\0" + row for row in rows)  # 0: no filter
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(scanlines, 9)),
            chunk(b"IEND", b""),
        )
    )

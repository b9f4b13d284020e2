"""archive.py: zip files that depend on nothing but what is in them."""

import zipfile


def write(path, files, stored=()):
    """Writes names and contents in their order, those in STORED uncompressed."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            information = zipfile.ZipInfo(name)  # its date is 1980-01-01
            information.external_attr = 0o644 << 16
            if name not in stored:
                information.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(information, content)

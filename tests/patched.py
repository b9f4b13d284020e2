"""patched.py: a copy of a chapter with a patch applied, built apart from it."""

import os
import shutil
import subprocess
from pathlib import Path

import chapters

SOURCES = ("*.c", "*.h", "*.asm", "kernel.ld", "Makefile")


class PatchError(Exception):
    """A patch does not fit its chapter; the text says what patch said."""


class Copy:
    """A chapter's sources, patched, in its directory BUILD/NAME."""

    def __init__(self, chapter, patch, name):
        self.chapter = chapter
        self.directory = Path("build") / name  # seen from the chapter
        self.path = chapters.directory(chapter) / self.directory
        self._copy()
        self._apply(patch)

    def _copy(self):
        """Copy what has changed only, so that make has little to do."""
        self.path.mkdir(parents=True, exist_ok=True)
        for old in self._sources(self.path):
            old.unlink()
        for source in self._sources(chapters.directory(self.chapter)):
            shutil.copy2(source, self.path)

    def _sources(self, directory):
        return [path for pattern in SOURCES for path in directory.glob(pattern)]

    def _apply(self, patch):
        command = ["patch", "-p1", "--fuzz=0", "--batch", "--forward"]
        command += ["--no-backup-if-mismatch", "-i", str(patch)]
        done = subprocess.run(
            command, cwd=self.path, capture_output=True, text=True, timeout=30
        )
        if done.returncode != 0:
            text = done.stdout + done.stderr
            raise PatchError(f"{patch} does not fit {self.chapter}:\n{text}")

    def make(self, *goals, environment=None, **variables):
        """Build GOALS; paths in BUILD begin with $(BUILD)/. BuildError."""
        return chapters.make(
            self.chapter,
            "-f",
            f"{self.directory}/Makefile",
            *(goal.replace("$(BUILD)", f"{self.directory}/build") for goal in goals),
            environment=environment,
            SRC=self.directory,
            BUILD=f"{self.directory}/build",
            **variables,
        )

    def product(self, name):
        """The path of a product, such as kernel.iso."""
        return self.path / "build" / name


def make_environment():
    """The environment that carries on what was said to the make that runs us,
    such as CC=clang, but not its jobs."""
    flags = os.environ.get("MAKEFLAGS", "").split(" -- ")
    variables = flags[1] if len(flags) > 1 else ""
    return {**chapters.clean_environment(), "MAKEFLAGS": f" -- {variables}"}

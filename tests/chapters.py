"""chapters.py: where the chapters are, and how to build them."""

import contextlib
import fcntl
import functools
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLCHAINS = {  # by the name tests and build directories use
    "gcc-O2": ("gcc", "-O2"),
    "gcc-O0": ("gcc", "-O0"),
    "clang-O2": ("clang", "-O2"),
    "clang-O0": ("clang", "-O0"),
}
SMALL = {"gcc-Os": ("gcc", "-Os"), "clang-Os": ("clang", "-Os")}  # only booted


class BuildError(Exception):
    """A build failed; the text is what make said."""


def names():
    """The names of all chapters, in order: 01-boot, 02-vga, ..."""
    return sorted(path.parent.name for path in ROOT.glob("chapters/*/Makefile"))


def find(wanted):
    """The name of the chapter given as 02 or 02-vga. KeyError if none is."""
    for name in names():
        if wanted in (name, name.split("-")[0]):
            return name
    raise KeyError(f"no chapter {wanted}; there are: {', '.join(names())}")


def directory(name):
    return ROOT / "chapters" / name


def since(name):
    """The chapters from NAME on: those its tests are for."""
    return [later for later in names() if later >= name]


def tested_by(suite):
    """The chapters that the tests in tests/kernel/SUITE are for: 02-vga those from
    02-vga on, 01-04-identity those from 01 to 04."""
    last = re.match(r"\d+-(\d+)-", suite)
    return [name for name in since(suite[:3]) if not last or name[:2] <= last[1]]


def clean_environment():
    """The environment without what a make that runs us tells its children."""
    own = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
    return {key: value for key, value in os.environ.items() if key not in own}


def run(command, error, **options):
    """A command's output, of both kinds. ERROR if it fails."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        **options,
    )
    if done.returncode != 0:
        raise error(done.stdout)
    return done.stdout


@contextlib.contextmanager
def build_lock():
    """One build at a time: they share files, and each uses all processors."""
    (ROOT / "build").mkdir(exist_ok=True)
    with open(ROOT / "build/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make(
    chapter, *goals, environment=None, seconds=120, alone=True, **variables
):  # fmt: skip
    """Run make in a chapter's directory; its output. BuildError if it fails.
    ALONE: wait until nobody else builds."""
    command = ["make", "--silent", "--no-print-directory"]
    command += [f"-j{os.cpu_count()}", "-C", str(directory(chapter))]
    command += [f"{key}={value}" for key, value in variables.items()]
    with build_lock() if alone else contextlib.nullcontext():
        return run(
            [*command, *goals],
            BuildError,
            env=environment or clean_environment(),
            timeout=seconds,
        )


@functools.cache
def build(chapter, toolchain, *goals, **variables):
    """Make GOALS with a toolchain, once; the directory of the products. Paths in it
    begin with $(BUILD)/ or its name. VARIABLES, such as DEBUG="heap", have a
    directory of their own."""
    compiler, optimization = (TOOLCHAINS | SMALL)[toolchain]
    products = "-".join([f"build/{toolchain}", *variables.values()])
    goals = [goal.replace("$(BUILD)", products) for goal in goals]
    variables |= {"CC": compiler, "OPT": optimization, "BUILD": products}
    make(chapter, *goals, **variables)
    return directory(chapter) / products

"""lint.py: what analyzers have to say about the C of all chapters.

    lint.py [gcc|clang-tidy|cppcheck...]        all three if none is named

Chapters are copies: a file that is the same in two of them, with all that it includes,
is looked at once. The exit status is 1 if anything was found.
"""

import concurrent.futures
import hashlib
import os
import subprocess
import sys
import tempfile

import chapters

LANGUAGE = ["-std=gnu17", "-ffreestanding", "-fno-pic"]
KERNEL = [*LANGUAGE, "-mno-red-zone", "-mgeneral-regs-only"]


def gcc(source, directory):
    # Some chapters write to their own code, on purpose: that has to be a fault.
    flags = ["-O2", "-fanalyzer", "-Wno-analyzer-write-to-const", "-Werror"]
    return ["gcc", *KERNEL, *flags, "-c", "-o", f"{directory}/object", source]


def clang_tidy(source, directory):
    configuration = f"--config-file={chapters.ROOT / '.clang-tidy'}"
    flags = ["--target=x86_64-elf", *KERNEL]
    return ["clang-tidy", "--quiet", configuration, source, "--", *flags]


def cppcheck(source, directory):
    # The linker's labels are places in one object, and a panic does not return.
    return [
        "cppcheck", "--quiet", "--error-exitcode=1", "--platform=unix64", "--std=c11",
        "--enable=warning,performance,portability",
        "--suppress=comparePointers", "--suppress=nullPointerRedundantCheck", source,
    ]  # fmt: skip


ANALYZERS = {"gcc": gcc, "clang-tidy": clang_tidy, "cppcheck": cppcheck}


def contents(source):
    """A number for a file with all that it includes, without where that lies."""
    command = ["gcc", *KERNEL, "-E", "-P", source]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60)
    return hashlib.sha256(done.stdout).digest()


def sources(names):
    """The C of these chapters, each different file once, the last one of them."""
    files = [f for n in names for f in chapters.directory(n).glob("*.c")]
    return sorted({contents(file): file for file in files}.values())


def complaint(analyzer, source):
    """What an analyzer says of a file; None if nothing."""
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            ANALYZERS[analyzer](source, directory),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            text=True,
        )
    return done.stdout if done.returncode != 0 else None


def complaints(analyzers, files):
    """What they all say; a line of progress is none."""
    pairs = [(analyzer, file) for analyzer in analyzers for file in files]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda pair: complaint(*pair), pairs)
    return [text for text in found if text]


def main(arguments):
    unknown = set(arguments) - set(ANALYZERS)
    if unknown:
        sys.exit(f"lint: no {', '.join(unknown)}; there are: {', '.join(ANALYZERS)}")
    files = sources(chapters.names())
    found = complaints(arguments or ANALYZERS, files)
    print("\n".join(found) or f"{len(files)} different files: nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

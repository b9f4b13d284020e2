"""test_setup.py: ./setup on machines that are made up.

A Machine is a directory of commands, most of them a line of shell that prints
a version, and a directory of files. It starts as a Debian with everything in
place; the tests take things away.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parent.parent / "setup"
BORROWED = "awk cat dirname env find grep head paste sed sh tr".split()

READERS = "nasm xorriso mformat xz grub-mkimage grub-mkrescue pandoc patch git".split()
COMMANDS = {
    "uname": 'case $1 in -m) echo x86_64 ;; *) echo Linux ;; esac',
    "id": "echo 0",
    "gcc": "case $1 in -dumpmachine) echo x86_64-linux-gnu ;; *) echo gcc 99.1 ;; esac",
    "ld": "echo GNU ld 99.1; echo elf_x86_64",
    "make": "echo GNU Make 4.3",
    "qemu-system-x86_64": "echo QEMU 99.1; echo curses",
    "gdb": "echo GNU gdb 99.1; echo suits",
    "python3": "echo Python 99.1",
    "ctags": "echo Universal Ctags 99.1",
    "clang": "echo clang 99.1",
    "clang-format": "echo clang-format 99.1",
    "clang-tidy": "echo LLVM version 99.1",
    "cppcheck": "echo Cppcheck 99.1",
    **{name: f"echo {name} 99.1" for name in READERS},
}
FILES = {
    "usr/lib/grub/i386-pc/multiboot2.mod",
    "usr/lib/grub/x86_64-efi/multiboot2.mod",
    "usr/include/stdio.h",
    "usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a",
    "usr/share/OVMF/OVMF_CODE.fd",
    "usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_term_gui.so",
    "usr/share/bochs/BIOS-bochs-latest",
    "usr/share/vgabios/vgabios.bin",
    "usr/lib/aspell/en_US.multi",
}
DEBIAN = "ID=debian"


class Machine:
    def __init__(self, directory):
        self.bin = directory / "bin"
        self.root = directory / "root"
        self.shelf = directory / "shelf"  # what apt-get can install
        self.log = directory / "log"  # what was run to change the machine
        self.release = directory / "os-release"
        self.script = shutil.copy(SETUP, directory)
        self.tests = directory / "tests"
        self.environment = {}
        for made in self.bin, self.shelf, self.tests:
            made.mkdir()
        for name in BORROWED:
            (self.bin / name).symlink_to(shutil.which(name))
        for name, script in COMMANDS.items():
            self.has(name, script)
        for name in FILES:
            self.has_file(name)
        self.has_file("usr/bin/python3")
        self.command(self.root / "usr/bin/python3", "echo 99.1")
        self.has("apt-get", self.apt_get())
        self.log.touch()
        self.is_a(DEBIAN)

    def apt_get(self, fails_to="nothing"):
        return f"""
            echo apt-get $* >>{self.log}
            case $* in *{fails_to}*) exit 1 ;; esac
            for name; do
                [ ! -e {self.shelf}/$name ] || /bin/cp {self.shelf}/$name {self.bin}
            done"""

    def command(self, path, script):
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def has(self, name, script):
        self.command(self.bin / name, script)

    def has_file(self, name):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).touch()

    def can_get(self, name):
        """apt-get knows a package with a command of that name."""
        self.command(self.shelf / name, f"echo {name} 99.1")

    def lacks(self, *names):
        for name in names:
            path = self.root / name if "/" in name else self.bin / name
            path.unlink(missing_ok=True)

    def is_a(self, release, system="Linux", host="x86_64"):
        self.release.write_text(release + "\n")
        self.has("uname", f"case $1 in -m) echo {host} ;; *) echo {system} ;; esac")

    def setup(self, *options):
        done = subprocess.run(
            [self.script, *options],
            env={
                "PATH": str(self.bin),
                "OS_RELEASE": str(self.release),
                "SETUP_ROOT": str(self.root),
                **self.environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout

    def done(self):
        return self.log.read_text()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def about(tool, report):
    """The doctor's line on a tool."""
    lines = [line for line in report.splitlines() if line.split()[0] == tool]
    assert len(lines) == 1, report
    return lines[0]


# ---- Installing


def test_is_silent_when_all_is_there(machine):
    assert machine.setup("--test") == (0, "")
    assert machine.setup() == (0, "")
    assert machine.done() == ""


def test_installs_what_is_missing_and_nothing_else(machine):
    machine.lacks("nasm")
    machine.can_get("nasm")
    status, output = machine.setup()
    assert status == 0
    assert output == "setup: installing with apt-get: nasm\n"
    assert machine.done() == (
        "apt-get -q update\n"
        "apt-get -q -y install --no-install-recommends nasm\n"
    )
    assert machine.setup() == (0, "")


def test_names_a_package_once(machine):
    machine.lacks("grub-mkimage", "grub-mkrescue")
    _, output = machine.setup()
    assert "apt-get: grub-common\n" in output


def test_what_only_tests_need_comes_with_test_only(machine):
    machine.lacks("clang", "usr/share/OVMF/OVMF_CODE.fd", "usr/bin/python3")
    script = "case $* in *pytest*) exit 1 ;; *) echo Python 99.1 ;; esac"
    machine.command(machine.bin / "python3", script)
    assert machine.setup() == (0, "")
    status, output = machine.setup("--test")
    assert status == 1
    assert "apt-get: python3-pytest python3-pytest-xdist clang ovmf\n" in output


def test_installs_what_make_runs_unless_told_otherwise(machine):
    """clang could do for gcc, but then `make` alone would not work."""
    machine.lacks("gcc")
    machine.can_get("gcc")
    machine.command(machine.shelf / "gcc", COMMANDS["gcc"])
    assert machine.setup() == (0, "setup: installing with apt-get: gcc\n")


def test_a_tool_that_reads_its_input_does_no_harm(machine):
    machine.has("gdb", "cat; echo suits")
    machine.lacks("git")
    assert "apt-get: git\n" in machine.setup()[1]
    assert "MISSING" in about("git", machine.setup("--check")[1])


def test_says_when_a_package_did_not_bring_the_tool(machine):
    machine.lacks("nasm")
    status, output = machine.setup()
    assert status == 1
    assert "still not there: nasm" in output


def test_goes_on_without_news_of_packages(machine):
    machine.lacks("nasm")
    machine.can_get("nasm")
    machine.has("apt-get", machine.apt_get(fails_to="update"))
    status, output = machine.setup()
    assert status == 0
    assert "no news of packages" in output


def test_says_that_apt_get_failed(machine):
    machine.lacks("nasm")
    machine.has("apt-get", machine.apt_get(fails_to="install"))
    status, output = machine.setup()
    assert status == 1
    assert "apt-get could not install" in output.splitlines()[-1]


def test_goes_through_sudo_unless_root(machine):
    machine.lacks("nasm")
    machine.can_get("nasm")
    machine.has("id", "echo 1000")
    machine.has("sudo", f'echo sudo >>{machine.log}; exec "$@"')
    assert machine.setup()[0] == 0
    assert machine.done().count("sudo\napt-get") == 2


def test_needs_root_or_sudo(machine):
    machine.lacks("nasm")
    machine.has("id", "echo 1000")
    status, output = machine.setup()
    assert status == 1
    assert len(output.splitlines()) == 1
    assert "there is no sudo. As root: apt-get install" in output
    assert output.endswith(" nasm\n")
    assert machine.done() == ""


def test_a_window_is_for_where_there_is_a_display(machine):
    machine.environment["WAYLAND_DISPLAY"] = "wayland-0"
    assert "apt-get: qemu-system-gui\n" in machine.setup()[1]
    machine.has("qemu-system-x86_64", "echo QEMU 99.1; echo curses; echo gtk")
    assert machine.setup() == (0, "")


def test_tests_of_the_web_need_a_browser_and_their_packages(machine):
    package, lock = machine.tests / "package.json", machine.tests / "package-lock.json"
    installed = machine.tests / "node_modules/.package-lock.json"
    machine.has("npm", f"""
        echo $PWD npm $* >>{machine.log}
        /bin/mkdir -p {installed.parent}; /bin/cp {lock} {installed}""")
    package.touch()
    lock.touch()
    assert machine.setup() == (0, "")
    wanted = "apt-get: nodejs chromium default-jre-headless poppler-utils epubcheck\n"
    assert wanted in machine.setup("--test")[1]
    machine.has("node", "echo v20.1.0")
    machine.has("google-chrome", "echo Google Chrome 99.1")
    machine.has("java", "echo openjdk 99.1")
    machine.has("pdfinfo", "echo pdfinfo version 99.1")
    machine.has("epubcheck", "echo EPUBCheck v99.1")
    machine.log.write_text("")
    assert machine.setup("--test")[0] == 0
    assert machine.done() == f"{machine.tests} npm ci --no-audit --no-fund\n"
    assert machine.setup("--test") == (0, "")
    os.utime(lock)
    assert "npm" in machine.setup("--test")[1]


# ---- Other systems


ELSEWHERE = {
    "ID=fedora": "sudo dnf install --setopt=install_weak_deps=False gcc binutils "
    "make nasm xorriso mtools xz grub2-tools grub2-tools-extra grub2-pc-modules "
    "grub2-efi-x64-modules qemu-system-x86-core qemu-ui-curses gdb pandoc ctags "
    "python3 patch git python3-html5lib python3-pytest python3-pytest-xdist clang "
    "compiler-rt clang-tools-extra cppcheck glibc-devel edk2-ovmf bochs aspell-en",
    "ID=manjaro\nID_LIKE=arch": "sudo pacman -S --needed gcc binutils make nasm "
    "libisoburn mtools xz grub qemu-system-x86 qemu-ui-curses gdb pandoc-cli ctags "
    "python patch git python-html5lib python-pytest python-pytest-xdist clang "
    "compiler-rt cppcheck glibc edk2-ovmf bochs aspell-en",
    "ID=plan9": "gcc binutils make nasm xorriso mtools xz-utils grub-common "
    "grub-pc-bin grub-efi-amd64-bin qemu-system-x86 qemu-system-common gdb pandoc "
    "universal-ctags python3 patch git python3-html5lib python3-pytest "
    "python3-pytest-xdist clang libclang-rt-dev clang-format clang-tidy cppcheck "
    "libc6-dev ovmf bochs-term bochsbios vgabios aspell-en",
}


def empty(machine):
    machine.lacks(*COMMANDS, *FILES, "usr/bin/python3")
    machine.has("id", "echo 1000")
    return machine


@pytest.mark.parametrize("release", ELSEWHERE, ids=lambda text: text.split()[0])
def test_prints_the_line_to_run_on(machine, release):
    empty(machine).is_a(release)
    status, output = machine.setup("--test")
    assert status == 1
    assert output.splitlines()[1:] == [ELSEWHERE[release]]


def test_prints_the_line_to_run_on_macos(machine):
    empty(machine).is_a("", "Darwin", "arm64")
    status, output = machine.setup("--test")
    assert status == 1
    assert output.splitlines()[1:] == [
        "brew install x86_64-elf-gcc x86_64-elf-binutils make nasm xorriso mtools "
        "xz x86_64-elf-grub qemu x86_64-elf-gdb pandoc universal-ctags python patch "
        "git llvm clang-format cppcheck bochs aspell"
    ]


def test_prints_the_lines_to_run_on_debian_that_is_not_x86(machine):
    empty(machine).is_a("ID=ubuntu", host="aarch64")
    status, output = machine.setup()
    assert status == 1
    lines = output.splitlines()
    assert lines[1:3] == [
        "sudo dpkg --add-architecture amd64",
        "sudo apt-get update",
    ]
    packages = lines[3].split()
    assert packages[:3] == ["sudo", "apt-get", "install"]
    assert {"gcc-x86-64-linux-gnu", "grub-pc-bin:amd64", "gdb-multiarch"} < {*packages}
    assert not {"gcc", "grub-pc-bin", "gdb"} & {*packages}


def test_is_silent_elsewhere_too_when_all_is_there(machine):
    machine.is_a("ID=fedora")
    assert machine.setup("--test") == (0, "")


# ---- The doctor


def test_doctor_finds_all_well(machine):
    status, report = machine.setup("--check", "--test")
    assert status == 0
    assert all(" ok" in line for line in report.splitlines())
    assert about("gcc", report).split()[1] == "99.1"
    assert about("pytest", report).split()[1] == "99.1"
    assert "pytest" not in machine.setup("--check")[1]


def test_doctor_names_what_is_missing_and_its_package(machine):
    machine.lacks("nasm", "usr/include/stdio.h")
    status, report = machine.setup("--check", "--test")
    assert status == 1
    assert about("nasm", report).endswith("MISSING; the package is nasm")
    assert about("libc-headers", report).endswith("MISSING; the package is libc6-dev")
    assert report.count("MISSING") == 2
    assert "setup: 2 of these are not as needed" in report.splitlines()[-1]
    assert machine.done() == ""


def test_doctor_knows_what_is_too_old_and_what_is_not(machine):
    machine.has("qemu-system-x86_64", "echo QEMU version 4.2.1; echo curses")
    machine.has("pandoc", "echo pandoc 2.9.2.1")
    machine.has("nasm", "echo NASM version 2.15.05")
    status, report = machine.setup("--check")
    assert status == 1
    assert "4.2.1     TOO OLD" in about("qemu-system-x86_64", report)
    assert "TOO OLD: put 2.17 or later" in about("pandoc", report)
    assert about("nasm", report).endswith("2.15.05   ok")
    assert report.count("TOO OLD") == 2


def test_doctor_tells_known_pains(machine):
    machine.lacks("xorriso", "mformat", "clang", "usr/lib/grub/i386-pc/multiboot2.mod")
    machine.has("gcc", "echo arm64-apple-darwin23")
    machine.has("ld", "echo aarch64linux")
    machine.has("make", "echo GNU Make 3.81")
    machine.has("gdb", "echo Python scripting is not supported in this copy")
    machine.has("qemu-system-x86_64", "echo QEMU 99.1; echo gtk")
    status, report = machine.setup("--check")
    assert status == 1
    told = {
        "xorriso": "MISSING: without it grub-mkrescue fails, often silently",
        "mformat": "MISSING: without it grub-mkrescue fails, often silently",
        "grub-i386-pc": "MISSING: this GRUB is for UEFI only",
        "display-curses": "MISSING: in a terminal `make run` cannot show",
        "gcc": "WRONG KIND: makes arm64-apple-darwin23, not x86-64 ELF",
        "ld": "WRONG KIND: does not make x86-64 ELF",
        "make": "WRONG KIND: not GNU make 4",
        "gdb": "WRONG KIND: without Python",
    }
    for tool, pain in told.items():
        assert pain in about(tool, report)
    assert f"setup: {len(told)} of these are not as" in report.splitlines()[-1]


def test_doctor_blames_uefi_only_where_it_is_there(machine):
    report = empty(machine).setup("--check")[1]
    assert about("grub-i386-pc", report).endswith("MISSING; the package is grub-pc-bin")


def test_doctor_explains_what_is_no_pain_here(machine):
    assert "default PIE" not in machine.setup("--check")[1]
    machine.has("gcc", "echo x86_64-linux-gnu gcc 99.1; echo --enable-default-pie")
    machine.has_file("dev/kvm")
    status, report = machine.setup("--check")
    assert status == 0
    assert "-fno-pic" in about("PIE", report)
    assert "in the terminal" in about("display", report)
    assert "-accel tcg" in about("/dev/kvm", report)
    assert "/usr/bin/python3" in about("another", report)


def test_doctor_says_what_make_has_to_be_told(machine):
    machine.is_a("ID=fedora")
    machine.lacks("grub-mkimage", "grub-mkrescue")
    machine.has("grub2-mkimage", "echo grub2-mkimage 99.1")
    machine.has("grub2-mkrescue", "echo grub2-mkrescue 99.1")
    status, report = machine.setup("--check")
    assert status == 0
    assert "`make GRUB=grub2`" in about("settings", report)


def test_doctor_finds_a_cross_compiler(machine):
    machine.is_a("", "Darwin", "arm64")
    machine.has("gcc", "echo arm64-apple-darwin23")
    machine.has("ld", "echo ld64")
    for tool in "gcc", "ld", "gdb":
        shutil.copy(machine.bin / "gdb", machine.bin / f"x86_64-elf-{tool}")
    machine.command(machine.bin / "x86_64-elf-gcc", "echo x86_64-elf 99.1")
    machine.command(machine.bin / "x86_64-elf-ld", "echo elf_x86_64 99.1")
    machine.lacks("gdb", "usr/lib/grub/x86_64-efi/multiboot2.mod")
    machine.has("qemu-system-x86_64", "echo QEMU 99.1; echo curses; echo cocoa")
    status, report = machine.setup("--check")
    assert status == 0, report
    assert "`make CROSS=x86_64-elf- GDB=x86_64-elf-gdb`" in about("settings", report)
    assert "none here" in about("grub-x86_64-efi", report)


def test_takes_the_compiler_that_cross_names(machine):
    for tool in "gcc", "ld":
        (machine.bin / tool).rename(machine.bin / f"my-{tool}")
    machine.lacks("clang")
    machine.environment["CROSS"] = "my-"
    assert machine.setup() == (0, "")


def test_doctor_takes_clang_with_lld(machine):
    machine.is_a("ID=debian", host="aarch64")
    machine.has("gcc", "echo aarch64-linux-gnu")
    machine.has("ld", "echo aarch64linux")
    machine.has("ld.lld", "echo LLD 99.1")
    report = machine.setup("--check")[1]
    assert "`make CC=clang LD=ld.lld`" in about("settings", report)


# ---- The command line


def test_help_names_every_option(machine):
    status, output = machine.setup("--help")
    assert status == 0
    assert all(option in output for option in ("--test", "--check"))


def test_unknown_option_is_one_clear_line(machine):
    status, output = machine.setup("--chekc")
    assert status == 2
    assert output == "setup: there is no option --chekc; ./setup --help lists them\n"


# ---- The machine that runs the tests


def test_real_versions_are_understood():
    done = subprocess.run(
        [SETUP, "--check", "--test"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout
    for tool in COMMANDS.keys() - {"uname", "id"}:
        assert "." in about(tool, done.stdout).split()[1]

"""The command date prints what QEMU's clock says."""

import datetime
import time

LINE = r"^kernel> date\n(.*)\n"
FORMAT = "%Y-%m-%d %H:%M:%S"


def check_command(boot, base="2031-12-31T23:59:57"):
    start = time.monotonic()
    with boot("-rtc", f"base={base}") as machine:
        machine.expect("^kernel> ")
        machine.send("date\r")
        shown = machine.expect(LINE)[1]
    passed = datetime.timedelta(seconds=time.monotonic() - start + 1)
    try:
        date = datetime.datetime.strptime(shown, FORMAT)
    except ValueError:
        date = None
    assert date and f"{date:{FORMAT}}" == shown, (
        f"date prints {shown!r}, not something like '2031-12-31 23:59:58'"
    )
    first = datetime.datetime.fromisoformat(base)
    assert first <= date <= first + passed, (
        f"QEMU was started at {first}, {passed} ago, and date says {shown}"
    )


def check_digits(boot):
    check_command(boot, base="2004-02-09T07:06:01")


def check_help(boot):
    with boot() as machine:
        machine.expect("^kernel> ")
        machine.send("help\r")
        machine.expect("^kernel> help\n(.*\n)*kernel> ")
    assert "\ndate " in machine.serial, "help does not list the command date"

"""test_02_serial.py: serial ports that QEMU does not have.

A chapter's serial.c is built for the host, with a cpu.h whose ports are those of
a UART that is slow, stuck, broken or absent. Unlike QEMU's, this one loses what
is written to it too early, and shows a received byte only after a while.
"""

import ctypes
import functools
import shutil
import subprocess
import tempfile

import pytest

import chapters

SINCE_02 = pytest.mark.since("02-vga")
FAKE = r"""
#pragma once
#include <stdint.h>

enum { DATA = 0x3f8, IER, FCR, LCR, MCR, LSR, RECEIVED = 0x01, THRE = 0x20 };

int delay;                // polls of LSR until a byte has gone, or come
int stuck, deaf, absent;  // never ready; loses what it sends to itself; is not
uint8_t noise;            // is added to what it sends to itself
uint8_t registers[8], divisor[2], sent[64], received;
int count, lost, busy, incoming = -1, polls, endless;
uint8_t arrived[16];  // from the other end
int arrivals, taken;

static inline void outb(uint16_t port, uint8_t value)
{
    if ((registers[LCR - DATA] & 0x80) && port <= IER) {
        divisor[port - DATA] = value;
    } else if (port != DATA) {
        registers[port - DATA] = value;
    } else if (busy > 0 || stuck) {
        lost++;
    } else if (registers[MCR - DATA] & 0x10) {
        received = value ^ noise;
        incoming = deaf ? -1 : delay;
        busy     = delay;
    } else {
        sent[count++] = value;
        busy          = delay;
    }
}

static inline uint8_t inb(uint16_t port)
{
    if (absent)
        return 0xff;
    if (port == DATA && taken < arrivals)
        return arrived[taken++];
    if (port == DATA && incoming == 0) {
        incoming = -1;
        return received;
    }
    if (port == DATA)
        return 0;
    if (port != LSR)
        return registers[port - DATA];
    if (++polls > 10000000)  // it would go on for ever
        absent = endless = 1;
    busy -= busy > 0;
    incoming -= incoming > 0;
    int ready = incoming == 0 || taken < arrivals;
    return (ready ? RECEIVED : 0) | (busy == 0 && !stuck ? THRE : 0);
}
"""

# What serial.c includes where it also listens; what it hears is kept.
HEARING = {
    "input.h": """
int keys[16], heard;
static inline void input_put(int key) { keys[heard++] = key; }
""",
    "interrupts.h": """
struct trap_frame;
enum irq { IRQ_COM1 = 4 };
void (*handlers[16])(struct trap_frame *);
static inline void interrupt_set_handler(enum irq line,
                                         void (*handler)(struct trap_frame *))
{
    handlers[line] = handler;
}
void interrupt(int line) { handlers[line](0); }
""",
    "terminal.h": """
struct terminal { int sum; };
static inline int terminal_decode(struct terminal *terminal, uint8_t byte)
{
    return terminal->sum += byte;
}
""",
}


class Uart:
    """The chapter's functions, and by name the variables of the fake."""

    def __init__(self, library):
        self.library = library

    def __getattr__(self, name):
        return ctypes.c_int.in_dll(self.library, name).value

    def set(self, **values):
        for name, value in values.items():
            kind = ctypes.c_uint8 if name == "noise" else ctypes.c_int
            kind.in_dll(self.library, name).value = value

    def init(self):
        self.library.serial_init.restype = ctypes.c_bool
        return self.library.serial_init()

    def send(self, text):
        for code in text:
            self.library.serial_putc(ctypes.c_char(code))
        return bytes((ctypes.c_uint8 * self.count).in_dll(self.library, "sent"))


@functools.cache
def program(chapter):
    """A library that is loaded anew for each test; as bytes."""
    with tempfile.TemporaryDirectory() as directory:
        for name in ("serial.c", "serial.h"):
            shutil.copy(chapters.directory(chapter) / name, directory)
        for name, text in {"cpu.h": FAKE, **HEARING}.items():
            with open(f"{directory}/{name}", "w") as fake:
                fake.write(text)
        command = "gcc -shared -fPIC -std=gnu17 -O2 serial.c -o serial.so".split()
        subprocess.run(command, cwd=directory, check=True)
        with open(f"{directory}/serial.so", "rb") as library:
            return library.read()


@pytest.fixture
def uart(chapter, tmp_path):
    library = tmp_path / "serial.so"
    library.write_bytes(program(chapter))
    return Uart(ctypes.CDLL(str(library)))


@SINCE_02
@pytest.mark.parametrize("delay", [0, 1, 87, 5000])
def test_slow_port_loses_nothing(uart, delay):
    uart.set(delay=delay)
    assert uart.init()
    assert uart.send(b"slow\n") == b"slow\r\n"
    assert uart.lost == 0


@SINCE_02
def test_port_is_programmed(uart):
    assert uart.init()
    divisor = (ctypes.c_uint8 * 2).in_dll(uart.library, "divisor")
    registers = (ctypes.c_uint8 * 8).in_dll(uart.library, "registers")
    assert bytes(divisor) == b"\x01\x00"
    assert registers[1] == 0  # no interrupts
    assert registers[2] == 0x07  # FIFOs on and empty
    assert registers[3] == 0x03  # 8 data bits, no parity, 1 stop bit
    assert registers[4] == 0x0B  # DTR, RTS, OUT2, no loop


@SINCE_02
@pytest.mark.parametrize("fault", ["absent", "stuck", "deaf", "noise"])
def test_port_that_does_not_work_is_found_out(uart, fault):
    uart.set(**{fault: 1})
    assert not uart.init()
    assert not uart.endless


@SINCE_02
def test_stuck_port_does_not_stop_the_kernel(uart):
    assert uart.init()
    uart.set(stuck=1)
    assert uart.send(b"lost\n") == b""
    assert not uart.endless
    assert uart.lost == 0
    uart.set(stuck=0)
    assert uart.send(b"again") == b"again"


@pytest.mark.since("07-interrupts")
def test_all_that_has_come_is_taken(uart):
    """By an interrupt for many bytes, by one for none, and by one for one."""
    assert uart.init()
    registers = (ctypes.c_uint8 * 8).in_dll(uart.library, "registers")
    uart.library.serial_listen()
    assert registers[1] == 0x01  # received data
    arrived = (ctypes.c_uint8 * 16).in_dll(uart.library, "arrived")
    arrived[:] = range(1, 17)
    for arrivals in (14, 15, 15, 16):
        uart.set(arrivals=arrivals)
        uart.library.interrupt(4)
        assert uart.taken == uart.heard == arrivals
    keys = (ctypes.c_int * 16).in_dll(uart.library, "keys")
    assert list(keys) == [sum(range(1, n + 2)) for n in range(16)]

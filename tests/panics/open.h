// open.h: a console on screen and wire, for tests that end in a panic.

#pragma once

#include "ktap.h"

#include "console.h"
#include "panic.h"
#include "serial.h"
#include "vga.h"

static inline void open_console(void)
{
    serial_init();
    console_add_sink(serial_putc);
    vga_init();
    console_add_sink(vga_putc);
}

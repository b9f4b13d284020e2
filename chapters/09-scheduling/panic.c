// panic.c: the last words of a kernel that has found itself broken.

#include "panic.h"

#include <stdarg.h>
#include <stdbool.h>

#include "cpu.h"
#include "vga.h"

void panic_at(const char *file, int line, const char *format, ...)
{
    static bool panicking;
    va_list arguments;

    cli();
    if (panicking)  // while saying why: say no more
        halt();
    panicking = true;

    vga_set_color(VGA_WHITE, VGA_RED);
    printf("\npanic at %s:%d: ", file, line);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    halt();
}

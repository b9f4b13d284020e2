// console.c: one stream of characters, to the screen, to the wire, and
// to whatever else a later chapter adds.

#include "console.h"

#include <stddef.h>

#include "panic.h"

enum { SINKS = 4 };

static console_sink *sinks[SINKS];
static size_t count;

void console_add_sink(console_sink *sink)
{
    assert(count < SINKS);
    sinks[count++] = sink;
}

void console_putc(char c)
{
    for (size_t i = 0; i < count; i++)
        sinks[i](c);
}

// console.c: one stream of characters, to the screen, to the wire, and
// to whatever else a later chapter adds.

#include "console.h"

#include <stddef.h>

#include "cpu.h"
#include "mutex.h"
#include "panic.h"

enum { SINKS = 4 };

static console_sink *sinks[SINKS];
static size_t count;
static struct mutex mutex;

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

bool console_lock(void)
{
    if ((read_rflags() & RFLAGS_IF) == 0)
        return false;
    mutex_lock(&mutex);
    return true;
}

void console_unlock(void)
{
    mutex_unlock(&mutex);
}

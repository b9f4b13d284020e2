// too_many_sinks.c: the console is full.
// Panic: assertion failed: count < SINKS

#include "../open.h"

static void sink(char c)
{
    (void)c;
}

TEST(panics)
{
    open_console();
    for (int i = 0; i < 100; i++)
        console_add_sink(sink);
}

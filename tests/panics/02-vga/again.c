// again.c: a panic while one is told: it says no more, and halts.
// Panic: the first!

#include "../open.h"

static void panic_at_end(char c)
{
    if (c == '!')
        panic("the second");
}

TEST(panics)
{
    open_console();
    console_add_sink(panic_at_end);
    panic("the %s!", "first");
}

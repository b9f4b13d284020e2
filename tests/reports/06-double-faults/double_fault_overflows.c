// double_fault_overflows.c: the stack overflows, and then that on which
// this is reported.

#include "../../panics/open.h"

#include "idt.h"

static volatile bool for_ever = true;

static __attribute__((noinline)) void recurse(void)
{
    if (for_ever)
        recurse();
    for_ever = true;
}

// Behind the address in CR2.
static void overflowing_putc(char c)
{
    static bool overflowed;

    if (c != ':' || overflowed)
        return;
    overflowed = true;
    recurse();
}

TEST(reports)
{
    open_console();
    idt_init();
    console_add_sink(overflowing_putc);
    recurse();
}

// no_such_line.c: there are 16 lines.
// Panic: assertion failed: line < IRQS

#include "../open.h"

#include <stddef.h>

#include "interrupts.h"

TEST(panics)
{
    open_console();
    interrupts_init();
    interrupt_set_handler(15, NULL);
    interrupt_set_handler(16, NULL);
}

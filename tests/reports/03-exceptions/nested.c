// nested.c: an exception in the middle of a report, and another in the
// middle of the report of that.

#include "../../panics/open.h"

#include "idt.h"

static void failing_putc(char c)
{
    static int colons;  // none comes before the error code's

    if (c == ':' && colons++ < 2)
        asm volatile("ud2");
    if (c == 'w' && colons == 1)  // "while reporting"
        asm volatile("ud2");
}

TEST(reports)
{
    open_console();
    idt_init();
    console_add_sink(failing_putc);
    *(volatile char *volatile)NULL = 1;
}

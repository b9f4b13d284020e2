// nested.c: an exception in the middle of a report, and another in the
// middle of the report of that.

#include "../../panics/open.h"

#include "idt.h"

// Behind the error code, and within "while reporting".
static void failing_putc(char c)
{
    static bool raised;

    if (c == ':' || (c == 'w' && raised)) {
        raised = true;
        asm volatile("ud2");
    }
}

TEST(reports)
{
    open_console();
    idt_init();
    console_add_sink(failing_putc);
    *(volatile char *volatile)NULL = 1;
}

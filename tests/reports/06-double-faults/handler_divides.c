// handler_divides.c: a page fault handler that divides by zero.

#include "../../panics/open.h"

#include <stddef.h>

#include "exceptions.h"
#include "idt.h"

static volatile int zero;

static void dividing_handler(struct trap_frame *frame)
{
    frame->rax = 100 / zero;
}

TEST(reports)
{
    open_console();
    idt_init();
    exception_set_handler(EXC_PAGE_FAULT, dividing_handler);
    *(volatile int *volatile)NULL = 1;
}

// handler_faults.c: a page fault handler that reads what is not there.

#include "../../panics/open.h"

#include <stddef.h>

#include "exceptions.h"
#include "idt.h"

static volatile int *volatile nothing = NULL;

static void faulting_handler(struct trap_frame *frame)
{
    frame->rax = *nothing;
}

TEST(reports)
{
    open_console();
    idt_init();
    exception_set_handler(EXC_PAGE_FAULT, faulting_handler);
    *nothing = 1;
}

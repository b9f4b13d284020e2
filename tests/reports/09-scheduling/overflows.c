// overflows.c: a thread calls a function until its stack is full.

#include "../../panics/open.h"

#include <stddef.h>

#include "idt.h"
#include "interrupts.h"
#include "threads.h"

static volatile bool for_ever = true;

static __attribute__((noinline)) void recurse(void)
{
    if (for_ever)
        recurse();
    for_ever = true;
}

static void overflow(void *argument)
{
    (void)argument;
    recurse();
}

static void end(void *argument)
{
    (void)argument;
}

// The stacks of the first two come back: the third has one of theirs.
TEST(reports)
{
    struct thread *before, *behind;

    open_console();
    idt_init();
    interrupts_init();
    before = thread_create("before", PRIORITY_NORMAL, end, NULL);
    behind = thread_create("behind", PRIORITY_NORMAL, end, NULL);
    thread_join(before);
    thread_join(behind);
    thread_join(thread_create("deep", PRIORITY_NORMAL, overflow, NULL));
}

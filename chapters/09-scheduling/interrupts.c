// interrupts.c: from the vector of a line to its handler.

#include "interrupts.h"

#include <stddef.h>

#include "panic.h"
#include "threads.h"

static exception_handler *handlers[IRQS];
static uint64_t counts[IRQS], spurious;
static bool handling;

// The end of interrupt comes after the handler. What a device raises
// meanwhile is not lost: it comes next. And it comes before another
// thread runs, or that one would have to wait for its end.
static void handle(struct trap_frame *frame)
{
    int line = frame->vector - IRQ_VECTOR;

    if (pic_is_spurious(line)) {
        spurious++;
        return;
    }
    if (!handlers[line])
        exception_unhandled(frame);  // no failed access: halts
    counts[line]++;
    handling = true;
    handlers[line](frame);
    handling = false;
    pic_end_of_interrupt(line);
    threads_preempt();
}

bool interrupts_handling(void)
{
    return handling;
}

void interrupts_init(void)
{
    pic_init(IRQ_VECTOR);
    for (int line = 0; line < IRQS; line++)
        exception_set_handler(IRQ_VECTOR + line, handle);
}

void interrupt_set_handler(enum irq line, exception_handler *handler)
{
    uint64_t flags = interrupts_disable();

    assert(line < IRQS);
    handlers[line] = handler;
    pic_unmask(line);
    interrupts_restore(flags);
}

uint64_t interrupt_count(enum irq line)
{
    return counts[line];
}

uint64_t interrupts_spurious(void)
{
    return spurious;
}

// interrupts.c: from the vector of a line to its handler.

#include "interrupts.h"

#include <stddef.h>

#include "panic.h"

static exception_handler *handlers[IRQS];
static uint64_t counts[IRQS], spurious;

// The end of interrupt comes last. What a device raises while it is
// handled is not lost: it comes next.
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
    handlers[line](frame);
    pic_end_of_interrupt(line);
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

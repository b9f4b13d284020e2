// waits_in_a_handler.c: the handler of an interrupt waits.
// Panic: a handler of an interrupt cannot wait

#include "quiet.h"

#include "semaphore.h"

static struct semaphore none;

static void wait(struct trap_frame *frame)
{
    (void)frame;
    semaphore_wait(&none);
}

TEST(panics)
{
    open_quietly();
    interrupt_set_handler(IRQ_TIMER, wait);
    sti();
    for (;;)
        ;
}

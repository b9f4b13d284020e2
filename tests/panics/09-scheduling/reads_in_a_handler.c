// reads_in_a_handler.c: the handler of an interrupt waits for a key.
// Panic: a handler of an interrupt cannot wait

#include "quiet.h"

#include "input.h"

static void read(struct trap_frame *frame)
{
    (void)frame;
    input_put('k');
    input_get();
    input_get();
}

TEST(panics)
{
    open_quietly();
    interrupt_set_handler(IRQ_TIMER, read);
    sti();
    for (;;)
        ;
}

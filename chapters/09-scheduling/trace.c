// trace.c: single-stepping by the trap flag. While it is set, the CPU
// raises #DB after each instruction. It clears the flag on the way to
// the handler, and iretq sets it again from the frame. Intel SDM volume
// 3B, "Single-Step Exception Condition".

#include "trace.h"

#include <stdbool.h>

#include "cpu.h"
#include "exceptions.h"
#include "printf.h"
#include "symbols.h"
#include "threads.h"

static int left;
static const struct thread *traced;

// A switch to another thread would carry the flag over.
static bool is_carried_over(void)
{
    return left > 0 && traced != thread_current();
}

static void step(struct trap_frame *frame)
{
    if (is_carried_over()) {
        frame->rflags &= ~(uint64_t)RFLAGS_TF;
        left = 0;
        return;
    }
    if (left == 0) {
        exception_unhandled(frame);
        return;
    }
    printf("  ");
    symbol_print(symbol_find(frame->rip), frame->rip);
    left--;
    if (left == 0)
        frame->rflags &= ~(uint64_t)RFLAGS_TF;
}

// The flag takes effect after the instruction that follows popfq.
void trace(int instructions)
{
    left   = instructions;
    traced = thread_current();
    exception_set_handler(EXC_DEBUG, step);
    write_rflags(read_rflags() | RFLAGS_TF);
}

// between.h: another thread between any two instructions. The code is
// stepped through by #DB; after n instructions a line is raised, whose
// handler wakes a thread of the highest priority.

#pragma once

#include "turns.h"

#include "semaphore.h"

enum { STI = 0xfb, HLT = 0xf4 };

// Each instruction is tried, or of the many that there are without
// optimization each fifth.
#ifdef __OPTIMIZE__
enum { BETWEEN_STRIDE = 1 };
#else
enum { BETWEEN_STRIDE = 5 };
#endif

static int between_left;  // instructions until the line is raised
static bool between_raised, between_halts, between_ends;
static void (*between_act)(void);
static struct semaphore between_wake;

// What comes to sti comes to hlt: in between interrupts are held back.
// A #DB would not be, and hlt does not end with one.
static void between_step(struct trap_frame *frame)
{
    const uint8_t *code = (const uint8_t *)frame->rip;

    between_halts =
        code[0] == HLT || (code[0] == STI && code[1] == HLT);
    if (--between_left > 0 && !between_halts)
        return;
    frame->rflags &= ~(uint64_t)RFLAGS_TF;
    between_raised = true;
    raise_line(free_line);
}

static void between_wake_up(struct trap_frame *frame)
{
    (void)frame;
    lower_line();
    semaphore_signal(&between_wake);
}

// Interrupts are enabled while it acts, if it likes.
static void between_run(void *argument)
{
    (void)argument;
    semaphore_wait(&between_wake);
    between_act();
    between_ends = true;
}

// Runs code with what another thread does after n of its instructions.
// False: it cannot come any later.
static __attribute__((noinline)) bool
acts_after(int n, void (*code)(void), void (*act)(void))
{
    struct thread *thread;

    start();
    between_act    = act;
    between_raised = between_halts = between_ends = false;
    between_left                                  = n;
    thread = make("between", PRIORITY_HIGH, between_run, NULL);
    exception_set_handler(EXC_DEBUG, between_step);
    interrupt_set_handler(free_line, between_wake_up);
    write_rflags(read_rflags() | RFLAGS_TF);
    code();
    write_rflags(read_rflags() & ~(uint64_t)RFLAGS_TF);
    CHECK(interrupts_are_enabled());
    exception_set_handler(EXC_DEBUG, NULL);
    if (!between_raised)
        semaphore_signal(&between_wake);
    thread_join(thread);
    CHECK(between_ends);
    quiet();
    return between_raised && !between_halts;
}

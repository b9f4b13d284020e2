// condition.c: C. A. R. Hoare, "Monitors: An Operating System
// Structuring Concept", 1974, in the form of B. W. Lampson and D. D.
// Redell, "Experience with Processes and Monitors in Mesa", 1980: a
// signal is a hint.

#include "condition.h"

#include "interrupts.h"

void condition_wait(struct condition *condition, struct mutex *mutex)
{
    uint64_t flags = interrupts_disable();

    mutex_unlock(mutex);
    thread_wait(&condition->waiting);
    interrupts_restore(flags);
    mutex_lock(mutex);
}

void condition_signal(struct condition *condition)
{
    uint64_t flags = interrupts_disable();

    thread_wake(&condition->waiting);
    threads_restore(flags);
}

void condition_broadcast(struct condition *condition)
{
    uint64_t flags = interrupts_disable();

    while (thread_wake(&condition->waiting))
        ;
    threads_restore(flags);
}

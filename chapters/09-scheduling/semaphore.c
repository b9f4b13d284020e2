// semaphore.c: E. W. Dijkstra, "Cooperating Sequential Processes",
// 1965; wait is his P, signal his V.

#include "semaphore.h"

#include "interrupts.h"

// Who has been woken need not ask: one was kept for it.
void semaphore_wait(struct semaphore *semaphore)
{
    uint64_t flags = interrupts_disable();

    if (semaphore->count > 0)
        semaphore->count--;
    else
        thread_wait(&semaphore->waiting);
    interrupts_restore(flags);
}

void semaphore_signal(struct semaphore *semaphore)
{
    uint64_t flags = interrupts_disable();

    if (!thread_wake(&semaphore->waiting))
        semaphore->count++;
    threads_restore(flags);
}

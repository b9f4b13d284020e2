// semaphore.h: a number of things that threads take and give.

#pragma once

#include "threads.h"

// Zeros but for count: so many there are in the beginning.
struct semaphore {
    unsigned count;
    struct thread_queue waiting;
};

// Takes one. Waits until there is one. Not in handlers of interrupts.
void semaphore_wait(struct semaphore *semaphore);

// Adds one. Also in handlers of interrupts.
void semaphore_signal(struct semaphore *semaphore);

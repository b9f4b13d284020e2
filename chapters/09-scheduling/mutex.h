// mutex.h: for what only one thread at a time may do.

#pragma once

#include "threads.h"

// All zeros: not locked.
struct mutex {
    struct thread *owner;
    struct thread_queue waiting;
    struct mutex *next_held;  // the owner had locked it before this one
};

// Waits until no other thread has locked it, and locks it. Of those
// that wait the one of the highest priority is the next, and lends its
// priority to the owner meanwhile. Panics if each of some threads waits
// for what the next one has locked.
// Not in handlers of interrupts.
void mutex_lock(struct mutex *mutex);

// Panics if the current thread has not locked it.
void mutex_unlock(struct mutex *mutex);

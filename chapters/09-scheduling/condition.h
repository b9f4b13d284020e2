// condition.h: waiting for something to become true that a mutex
// protects:
//
//      mutex_lock(&mutex);
//      while (!is_so)
//          condition_wait(&condition, &mutex);
//      ...
//      mutex_unlock(&mutex);
//
// The question is asked again after each wait: others may have come in
// between.

#pragma once

#include "mutex.h"

// All zeros: nobody waits.
struct condition {
    struct thread_queue waiting;
};

// Unlocks the mutex, waits for a signal, and locks it again. No signal
// that is given after the mutex was unlocked is missed.
void condition_wait(struct condition *condition, struct mutex *mutex);

// Wakes one thread that waits, or all of them.
void condition_signal(struct condition *condition);
void condition_broadcast(struct condition *condition);

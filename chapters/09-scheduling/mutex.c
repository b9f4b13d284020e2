// mutex.c: a thread that waits for a mutex lends its priority to the
// owner, and through it to the owner of the mutex that this one waits
// for, and so on. Otherwise it would wait for all threads of a priority
// between theirs.
//
// L. Sha, R. Rajkumar, J. P. Lehoczky, "Priority Inheritance Protocols:
// An Approach to Real-Time Synchronization", IEEE Transactions on
// Computers 39(9), 1990.

#include "mutex.h"

#include "interrupts.h"
#include "panic.h"

static void own(struct mutex *mutex, struct thread *thread)
{
    mutex->owner      = thread;
    mutex->next_held  = thread->held;
    thread->held      = mutex;
    thread->waits_for = NULL;
}

static void disown(struct mutex *mutex)
{
    struct mutex **link = &mutex->owner->held;

    while (*link != mutex)
        link = &(*link)->next_held;
    *link        = mutex->next_held;
    mutex->owner = NULL;
}

// If the way from owner to owner comes back to where it began, each
// waits for the next one, for ever.
static void lend(const struct mutex *mutex, struct thread *from)
{
    for (; mutex; mutex = mutex->owner->waits_for) {
        struct thread *owner = mutex->owner;

        if (owner == from)
            panic("deadlock: thread %u, %s, waits for itself", from->id,
                  from->name);
        if (owner->priority < from->priority)
            thread_set_priority(owner, from->priority);
    }
}

void mutex_lock(struct mutex *mutex)
{
    struct thread *thread = thread_current();
    uint64_t flags        = interrupts_disable();

    assert(!interrupts_handling());
    if (!mutex->owner) {
        own(mutex, thread);
    } else {
        lend(mutex, thread);
        thread->waits_for = mutex;
        thread_wait(&mutex->waiting);  // the owner passes it on
    }
    interrupts_restore(flags);
}

// What others still lend: those who wait for what else is locked.
static enum priority lent(const struct thread *thread)
{
    int highest = thread->own;

    for (const struct mutex *mutex = thread->held; mutex;
         mutex                     = mutex->next_held) {
        int priority = thread_queue_priority(&mutex->waiting);

        if (priority > highest)
            highest = priority;
    }
    return highest;
}

void mutex_unlock(struct mutex *mutex)
{
    struct thread *thread = thread_current(), *next;
    uint64_t flags        = interrupts_disable();

    if (mutex->owner != thread)
        panic("thread %u, %s, unlocks what it has not locked",
              thread->id, thread->name);
    disown(mutex);
    next = thread_wake(&mutex->waiting);
    if (next)
        own(mutex, next);
    if (thread->priority != thread->own)
        thread_set_priority(thread, lent(thread));
    threads_restore(flags);
}

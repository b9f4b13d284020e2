// puppets.h: threads that do what the test says, one thing at a time,
// or wait in the middle of it.

#pragma once

#include "turns.h"

#include "mutex.h"
#include "semaphore.h"

struct puppet {
    struct thread *thread;
    struct semaphore told;
    void (*action)(void *thing);
    void *thing;
    volatile bool busy;  // it has not come back
};

static void puppet_run(void *argument)
{
    struct puppet *puppet = argument;

    for (;;) {
        semaphore_wait(&puppet->told);
        if (!puppet->action)
            return;
        puppet->action(puppet->thing);
        puppet->busy = false;
    }
}

// Lets all others run until they wait, whatever their priority.
static void settle(void)
{
    struct thread *thread = thread_current();
    uint64_t flags        = interrupts_disable();

    thread_set_priority(thread, PRIORITY_LOW);
    threads_restore(flags);
    for (int i = 0; i < 20; i++)
        thread_yield();
    flags = interrupts_disable();
    thread_set_priority(thread, thread->own);
    interrupts_restore(flags);
}

static __attribute__((unused)) void puppet_start(struct puppet *puppet,
                                                 const char *name,
                                                 enum priority priority)
{
    *puppet        = (struct puppet){0};
    puppet->thread = make(name, priority, puppet_run, puppet);
    settle();
}

// Returns whether it has done it. It may also be waiting.
static __attribute__((unused)) bool
puppet_do(struct puppet *puppet, void (*action)(void *), void *thing)
{
    CHECK(!puppet->busy);
    puppet->action = action;
    puppet->thing  = thing;
    puppet->busy   = true;
    semaphore_signal(&puppet->told);
    settle();
    return !puppet->busy;
}

static __attribute__((unused)) void puppet_end(struct puppet *puppet)
{
    CHECK(!puppet->busy);
    CHECK_EQ(puppet->thread->held, NULL);
    CHECK_EQ(puppet->thread->waits_for, NULL);
    CHECK_EQ(puppet->thread->priority, puppet->thread->own);
    puppet->action = NULL;
    semaphore_signal(&puppet->told);
    thread_join(puppet->thread);
}

static __attribute__((unused)) void lock(void *mutex)
{
    mutex_lock(mutex);
}

static __attribute__((unused)) void unlock(void *mutex)
{
    mutex_unlock(mutex);
}

static __attribute__((unused)) void wait_for(void *semaphore)
{
    semaphore_wait(semaphore);
}

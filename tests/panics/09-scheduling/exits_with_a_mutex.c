// exits_with_a_mutex.c: a thread ends and has a mutex locked.
// Panic: thread 2, careless, exits with a mutex locked

#include "quiet.h"

#include "mutex.h"

static struct mutex mutex;

static void lock(void *argument)
{
    (void)argument;
    mutex_lock(&mutex);
}

static void lock_and_unlock(void *argument)
{
    lock(argument);
    mutex_unlock(&mutex);
}

TEST(panics)
{
    open_quietly();
    thread_create("careful", PRIORITY_HIGH, lock_and_unlock, NULL);
    thread_create("careless", PRIORITY_NORMAL, lock, NULL);
    thread_yield();
}

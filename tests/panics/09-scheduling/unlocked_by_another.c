// unlocked_by_another.c: a mutex is unlocked that another thread has.
// Panic: thread 1, other, unlocks what it has not locked

#include "quiet.h"

#include "mutex.h"

static struct mutex mutex;

static void unlock(void *argument)
{
    (void)argument;
    mutex_unlock(&mutex);
}

TEST(panics)
{
    open_quietly();
    mutex_lock(&mutex);
    thread_create("other", PRIORITY_HIGH, unlock, NULL);
    thread_yield();
}

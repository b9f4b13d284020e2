// deadlock_of_one.c: a thread locks a mutex twice.
// Panic: deadlock: thread 0, main, waits for itself

#include "quiet.h"

#include "mutex.h"

TEST(panics)
{
    static struct mutex mutex, other;

    open_quietly();
    mutex_lock(&mutex);
    mutex_lock(&other);
    mutex_unlock(&other);
    mutex_lock(&mutex);
}

// unlocked_by_nobody.c: a mutex is unlocked that is not locked.
// Panic: thread 0, main, unlocks what it has not locked

#include "quiet.h"

#include "mutex.h"

TEST(panics)
{
    static struct mutex mutex;

    open_quietly();
    mutex_lock(&mutex);
    mutex_unlock(&mutex);
    mutex_unlock(&mutex);
}

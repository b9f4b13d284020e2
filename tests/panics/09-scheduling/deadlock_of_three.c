// deadlock_of_three.c: three threads, each waits for what the next one
// has.
// Panic: deadlock: thread 0, main, waits for itself

#include "quiet.h"

#include "mutex.h"

static struct mutex mutexes[3];

static void lock_two(void *argument)
{
    struct mutex *mutex = argument;

    mutex_lock(mutex);
    thread_yield();
    mutex_lock(mutex == &mutexes[2] ? mutexes : mutex + 1);
}

TEST(panics)
{
    open_quietly();
    mutex_lock(&mutexes[0]);
    thread_create("second", PRIORITY_NORMAL, lock_two, &mutexes[1]);
    thread_create("third", PRIORITY_NORMAL, lock_two, &mutexes[2]);
    thread_yield();
    thread_yield();
    mutex_lock(&mutexes[1]);
}

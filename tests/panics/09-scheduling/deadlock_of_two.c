// deadlock_of_two.c: two threads, each waits for what the other has.
// Panic: deadlock: thread 0, main, waits for itself

#include "quiet.h"

#include "mutex.h"

static struct mutex a, b;

static void lock_b_then_a(void *argument)
{
    (void)argument;
    mutex_lock(&b);
    mutex_lock(&a);
}

TEST(panics)
{
    open_quietly();
    mutex_lock(&a);
    thread_create("other", PRIORITY_NORMAL, lock_b_then_a, NULL);
    thread_yield();
    mutex_lock(&b);
}

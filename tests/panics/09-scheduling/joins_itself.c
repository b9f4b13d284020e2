// joins_itself.c: a thread waits for its own end.
// Panic: thread 1 joins itself

#include "quiet.h"

#include "threads.h"

static void join(void *argument)
{
    (void)argument;
    thread_join(thread_current());
}

TEST(panics)
{
    open_quietly();
    thread_create("selfish", PRIORITY_NORMAL, join, NULL);
    thread_yield();
}

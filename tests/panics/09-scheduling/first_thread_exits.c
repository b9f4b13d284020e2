// first_thread_exits.c: the thread of kernel_main cannot end.
// Panic: the first thread cannot exit

#include "quiet.h"

#include "threads.h"

TEST(panics)
{
    open_quietly();
    thread_exit();
}

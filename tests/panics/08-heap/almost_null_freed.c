// almost_null_freed.c: the second member of a structure that is null.
// Panic: 0x8 is no block of the heap

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    open_console();
    kfree((void *)8);
}

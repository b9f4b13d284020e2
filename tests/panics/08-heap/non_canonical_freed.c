// non_canonical_freed.c: no memory can be there.
// Panic: 0x800000000000 is no block of the heap

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    open_console();
    kfree((void *)0x800000000000);
}

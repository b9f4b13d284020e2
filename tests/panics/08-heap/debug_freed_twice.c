// debug_freed_twice.c: a debugging heap is not worse at it.
// Make: DEBUG=heap
// Panic: the block of 160 bytes at 0xffff80[0-9a-f]{9}0 is free already

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    void *block = kmalloc(100);

    open_console();
    kmalloc(100);
    kfree(block);
    kfree(block);
}

// block_freed_in_the_middle.c: a multiple of 16, but not where a block
// begins.
// Panic: 0x[0-9a-f]{15}0 is no block of the heap, but in one of 112 bytes at 0x[0-9a-f]{15}0

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    char *block = kmalloc(100);

    open_console();
    kfree(block + 96);
}

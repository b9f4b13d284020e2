// large_block_never_allocated.c: where one could be.
// Panic: the large block 0xffffd30000000000 is free already, or never was one

#include "../open.h"

#include "heap.h"
#include "memory.h"

TEST(panics)
{
    open_console();
    kfree((void *)(LARGE_BLOCKS + (3ul << 40)));
}

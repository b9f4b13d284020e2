// free_large_block_resized.c: and it has nowhere to be copied from.
// Panic: the large block 0xffffd[0-9a-f]{8}000 is free already, or never was one

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    void *block = kmalloc(10000);

    open_console();
    kfree(block);
    krealloc(block, 20000);
}

// free_block_resized.c: a block is used on after it was given back.
// Panic: the block of 112 bytes at 0xffff80[0-9a-f]{9}0 is free already

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    void *block = kmalloc(100);

    open_console();
    kmalloc(100);
    kfree(block);
    krealloc(block, 1000);
}

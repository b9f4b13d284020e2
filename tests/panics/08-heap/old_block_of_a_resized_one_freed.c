// old_block_of_a_resized_one_freed.c: the block has moved.
// Panic: the block of 112 bytes at 0xffff80[0-9a-f]{9}0 is free already

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    void *block = kmalloc(100);

    open_console();
    kmalloc(100);
    krealloc(block, 1000);
    kfree(block);
}

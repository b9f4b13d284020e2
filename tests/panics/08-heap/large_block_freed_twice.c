// large_block_freed_twice.c: a block with pages of its own is given
// back twice.
// Panic: the large block 0xffffd[0-9a-f]{8}000 is free already, or never was one

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    void *block = kmalloc(10000);

    open_console();
    kfree(block);
    kfree(block);
}

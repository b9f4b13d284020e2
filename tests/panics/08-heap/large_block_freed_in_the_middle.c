// large_block_freed_in_the_middle.c: at a page, but not the first one.
// Panic: 0xffffd[0-9a-f]{8}000 is no block of the heap

#include "../open.h"

#include "heap.h"
#include "memory.h"

TEST(panics)
{
    char *block = kmalloc(20000);

    open_console();
    kfree(block + PAGE_SIZE);
}

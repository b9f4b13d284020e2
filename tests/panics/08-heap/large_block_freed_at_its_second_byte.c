// large_block_freed_at_its_second_byte.c: no block begins there.
// Panic: 0xffffd[0-9a-f]{8}001 is no block of the heap

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    char *block = kmalloc(20000);

    open_console();
    kfree(block + 1);
}

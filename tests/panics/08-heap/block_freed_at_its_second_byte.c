// block_freed_at_its_second_byte.c: no block begins there.
// Panic: 0x[0-9a-f]{15}1 is no block of the heap, but in one of 112 bytes at 0x[0-9a-f]{15}0

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    char *block = kmalloc(100);

    open_console();
    kfree(block + 1);
}

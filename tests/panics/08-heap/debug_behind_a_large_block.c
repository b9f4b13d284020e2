// debug_behind_a_large_block.c: in its last page, which is there.
// Make: DEBUG=heap
// Before: block of 5000 bytes at 0xffffd[0-9a-f]{8}000, allocated by [0-9a-f]{16} get_block\+0x[0-9a-f]+
// Panic: somebody wrote to byte 8175 of it: 78

#include "../open.h"

#include "heap.h"

static __attribute__((noinline)) char *get_block(void)
{
    char *block = kmalloc(5000);

    block[4999] = 'x';
    return block;
}

TEST(panics)
{
    char *block = get_block();

    open_console();
    block[8191 - 16] = 'x';
    kfree(block);
}

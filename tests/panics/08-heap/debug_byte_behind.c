// debug_byte_behind.c: one byte behind what was asked for.
// Make: DEBUG=heap
// Before: block of 10 bytes at 0xffff80[0-9a-f]{9}0, allocated by [0-9a-f]{16} get_block\+0x[0-9a-f]+
// Panic: somebody wrote to byte 10 of it: 78

#include "../open.h"

#include "heap.h"

static __attribute__((noinline)) char *get_block(void)
{
    char *block = kmalloc(10);

    block[0] = 'x';
    return block;
}

TEST(panics)
{
    char *block = get_block();

    open_console();
    block[10] = 'x';
    kfree(block);
}

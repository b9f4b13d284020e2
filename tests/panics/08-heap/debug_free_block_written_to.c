// debug_free_block_written_to.c: found when the block is next in use.
// Make: DEBUG=heap
// Before: free block of 100 bytes at 0xffff80[0-9a-f]{9}0, freed by [0-9a-f]{16} give_back\+0x[0-9a-f]+
// Panic: somebody wrote to byte 0 of it: 00

#include "../open.h"

#include "heap.h"

static __attribute__((noinline)) void give_back(void *block)
{
    kfree(block);
    ktap_argument = 0;
}

TEST(panics)
{
    char *block = kmalloc(100);

    open_console();
    kmalloc(100);
    give_back(block);
    block[0] = 0;
    kmalloc(100);
}

// debug_old_block_of_a_resized_one.c: a debugging heap always moves it,
// so that whoever uses the old one is found out.
// Make: DEBUG=heap
// Before: free block of 100 bytes at 0xffff80[0-9a-f]{9}0, freed by [0-9a-f]{16} test_panics\+0x[0-9a-f]+
// Panic: somebody wrote to byte 5 of it: 78

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    char *block = kmalloc(100);

    open_console();
    krealloc(block, 90);
    block[5] = 'x';
    heap_check();
}

// debug_before_a_block.c: that is where another one is, which nobody
// has had yet.
// Make: DEBUG=heap
// Before: free block of 0 bytes at 0xffff80[0-9a-f]{9}0, freed by 0{16}
// Panic: somebody wrote to byte 127 of it: 78

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    char *block = kmalloc(100);

    open_console();
    block[-33] = 'x';
    kmalloc(100);
}

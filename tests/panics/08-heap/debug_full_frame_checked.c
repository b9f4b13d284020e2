// debug_full_frame_checked.c: heap_check looks at frames that have no
// free block, too: of 1904 bytes there are two in each.
// Make: DEBUG=heap
// Before: block of 1800 bytes at 0xffff80[0-9a-f]{9}0, allocated by [0-9a-f]{16} test_panics\+0x[0-9a-f]+
// Panic: somebody wrote to byte 1800 of it: 00

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    char *block = kmalloc(1800);

    open_console();
    kmalloc(1800);
    kmalloc(1800);
    heap_check();
    block[1800] = 0;
    heap_check();
}

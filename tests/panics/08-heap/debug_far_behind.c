// debug_far_behind.c: as far as the note, which is overwritten.
// Make: DEBUG=heap
// Panic: the end of the block 0xffff80[0-9a-f]{9}0 is overwritten: it cannot have 8680820740569200760 bytes

#include "../open.h"

#include "heap.h"
#include "string.h"

TEST(panics)
{
    char *block = kmalloc(100);

    open_console();
    memset(block, 'x', 160);
    kfree(block);
}

// slab_freed.c: a block is read whose slab has been given back, too.
// Found: load in test_wrong\+0x\w+, byte 0 of a free block of 1000 bytes, .*

#include "ktap.h"

#include "heap.h"

static volatile char byte;

TEST(wrong)
{
    char *volatile block = kmalloc(1000);

    kfree(block);
    heap_trim();
    byte = *block;
}

// freed_large.c: a large block that was freed.
// Found: load in test_wrong\+0x\w+, byte 1 of a free block of 9000 bytes, .*

#include "ktap.h"

#include "heap.h"

static volatile char byte;

TEST(wrong)
{
    char *volatile block = kmalloc(9000);

    kfree(block);
    byte = block[1];
}

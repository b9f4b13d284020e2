// freed.c: a word is read from a block that was freed.
// Found: load in test_wrong\+0x\w+, byte 16 of a free block of 100 bytes, allocated by test_wrong\+0x\w+, freed by test_wrong\+0x\w+

#include "ktap.h"

#include "heap.h"

static volatile uint64_t word;

TEST(wrong)
{
    uint64_t *volatile block = kmalloc(100);

    kmalloc(100);
    kfree(block);
    word = block[2];
}

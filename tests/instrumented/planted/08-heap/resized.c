// resized.c: a block that became smaller is read at its old length.
// Found: load in test_wrong\+0x\w+, byte 50 of a block of 50 bytes, allocated by test_wrong\+0x\w+

#include "ktap.h"

#include "heap.h"

static volatile char byte;

TEST(wrong)
{
    char *volatile block = krealloc(kmalloc(64), 50);

    byte = block[50];
}

// behind.c: the byte behind a block of 21 bytes is written to.
// Found: store in test_wrong\+0x\w+, byte 21 of a block of 21 bytes, allocated by test_wrong\+0x\w+

#include "ktap.h"

#include "heap.h"

TEST(wrong)
{
    char *volatile block = kmalloc(21);

    block[20] = 1;
    block[21] = 1;
}

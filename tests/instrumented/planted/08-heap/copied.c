// copied.c: memset is told a byte too many.
// Found: store in test_wrong\+0x\w+, byte 40 of a block of 40 bytes, .*

#include "ktap.h"

#include "heap.h"
#include "string.h"

TEST(wrong)
{
    char *volatile block = kcalloc(10, 4);
    volatile size_t size = 41;

    memset(block, 1, size);
}

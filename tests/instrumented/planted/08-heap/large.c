// large.c: in the last page of a large block, but behind its end.
// Found: store in test_wrong\+0x\w+, byte 5000 of a block of 5000 bytes, allocated by test_wrong\+0x\w+

#include "ktap.h"

#include "heap.h"

TEST(wrong)
{
    char *volatile block = kmalloc(5000);

    block[4999] = 1;
    block[5000] = 1;
}

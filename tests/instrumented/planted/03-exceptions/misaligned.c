// misaligned.c: a word at an address that is odd.
// Found: \S+misaligned.c:11:\d+: store to a misaligned address 0x\w+[13579bdf], .*

#include "ktap.h"

static uint64_t words[2];
static volatile unsigned at = 1;

TEST(wrong)
{
    *(uint64_t *)((char *)words + at) = 0;
}

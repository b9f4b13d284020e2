// division.c: the least int divided by -1 has no room in an int.
// Found: \S+division.c:11:\d+: overflow: -2147483648 / -1, 'int'

#include "ktap.h"

static volatile int least = -0x7fffffff - 1;
static volatile int one   = -1;

TEST(wrong)
{
    least = least / one;
}

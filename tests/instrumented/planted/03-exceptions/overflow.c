// overflow.c: a sum has no room in an int.
// Found: \S+overflow.c:11:\d+: overflow: 2147483647 \+ 1, 'int'

#include "ktap.h"

static volatile int most = 0x7fffffff;
static volatile int sum;

TEST(wrong)
{
    sum = most + 1;
}

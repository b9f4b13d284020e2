// unreachable.c: a place that the compiler was told nobody reaches.
// Found: \S+unreachable.c:11:\d+: a place that cannot be reached

#include "ktap.h"

static volatile int number;

TEST(wrong)
{
    if (number == 0)
        __builtin_unreachable();
}

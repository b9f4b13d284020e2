// vla.c: an array of a length that is not positive.
// Found: \S+vla.c:11:\d+: length of an array: -3, 'int'

#include "ktap.h"

static volatile int length = -3;
static volatile char *volatile kept;

TEST(wrong)
{
    char array[length];

    kept = array;
}

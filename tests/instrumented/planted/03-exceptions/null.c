// null.c: a null pointer is written through.
// Found: \S+null.c:10:\d+: store to a null pointer, 'int'

#include "ktap.h"

static int *volatile nowhere;

TEST(wrong)
{
    *nowhere = 1;
}

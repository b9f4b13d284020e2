// index.c: the element behind the last one.
// Found: \S+index.c:12:\d+: index: 4, 'int \[4\]'

#include "ktap.h"

static int numbers[4];
static volatile unsigned i = 4;
static volatile int number;

TEST(wrong)
{
    number = numbers[i];
}

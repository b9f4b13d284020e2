// boolean.c: a bool that is neither true nor false.
// Found: \S+boolean.c:11:\d+: no value of its type: .*'_Bool'

#include "ktap.h"

static volatile uint8_t byte = 2;
static volatile bool truth;

TEST(wrong)
{
    truth = *(bool *)&byte;
}

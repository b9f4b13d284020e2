// shift.c: a word is shifted by as many bits as it has.
// Found: \S+shift.c:11:\d+: shift: 1 by 64, '.*'

#include "ktap.h"

static volatile uint64_t word = 1;
static volatile unsigned bits = 64;

TEST(wrong)
{
    word = word << bits;
}

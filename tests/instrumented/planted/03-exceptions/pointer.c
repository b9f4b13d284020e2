// pointer.c: a pointer that runs over the end of the address space.
// Found: \S+pointer.c:\d+:\d+: pointer overflow: 0x\w+ becomes 0x\w+

#include "ktap.h"

static char byte;
static volatile uint64_t far  = 0x7fffffffffffffff;
static char *volatile pointer = &byte;

TEST(wrong)
{
    pointer = pointer + far;
}

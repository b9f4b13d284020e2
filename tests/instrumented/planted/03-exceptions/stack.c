// stack.c: a byte behind an array on the stack is written to, through a
// pointer, of which the compiler knows no bounds.
// Found: behind an array on the stack of fill\+0x\w+

#include "ktap.h"

static volatile unsigned length = 40;

__attribute__((noinline)) static void fill(void)
{
    char array[32];
    char *volatile at = array;

    for (unsigned i = 0; i < length; i++)
        at[i] = 1;
}

TEST(wrong)
{
    fill();
}

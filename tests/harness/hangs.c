// hangs.c: a test that never ends.

#include "ktap.h"

TEST(endless)
{
    for (;;)
        asm volatile("pause");
}

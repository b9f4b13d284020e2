// halts.c: a test that stops the CPU for good.

#include "ktap.h"

TEST(halt)
{
    asm volatile("cli; hlt");
}

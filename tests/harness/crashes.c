// crashes.c: an exception that nobody handles resets the machine.

#include "ktap.h"

TEST(crash)
{
    asm volatile("ud2");
}

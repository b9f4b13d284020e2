// lies.c: says that all is well, but leaves with the status of failure.

#include "lies.h"

TEST(lie)
{
    say_ok();
    asm volatile("outb %0, %1"
                 :
                 : "a"((uint8_t)0x11), "Nd"((uint16_t)0xf4));
}

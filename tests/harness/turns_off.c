// turns_off.c: says that all is well and turns the machine off: status 0.

#include "lies.h"

enum {
    PM1A_CONTROL = 0x604,
    SLEEP_ENABLE = 0x2000
};  // of QEMU's machines

TEST(lie)
{
    say_ok();
    asm volatile("outw %0, %1"
                 :
                 : "a"((uint16_t)SLEEP_ENABLE),
                   "Nd"((uint16_t)PM1A_CONTROL));
    for (;;)
        asm volatile("pause");  // until QEMU ends
}

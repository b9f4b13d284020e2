// idles.c: waits for interrupts that are all masked, as a kernel with nothing
// to do waits for the next one.

#include "ktap.h"

TEST(idle)
{
    asm volatile("outb %0, $0x21" : : "a"((uint8_t)0xff));
    asm volatile("outb %0, $0xa1" : : "a"((uint8_t)0xff));
    for (;;)
        asm volatile("sti; hlt");
}

// interrupts_on.c: no interrupt wakes the CPU after a panic. All of them
// are masked here, so that none comes while it is told.
// Panic: with interrupts on

#include "../open.h"

#include "cpu.h"

enum { PIC1_DATA = 0x21, PIC2_DATA = 0xa1 };

TEST(panics)
{
    open_console();
    outb(PIC1_DATA, 0xff);
    outb(PIC2_DATA, 0xff);
    asm volatile("sti");
    panic("with interrupts on");
}

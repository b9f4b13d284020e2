// spins.c: waits for something to happen.

#include "../../panics/open.h"

#include "idt.h"
#include "printf.h"

TEST(reports)
{
    open_console();
    idt_init();
    printf("spinning\n");
    for (;;)
        asm volatile("pause");
}

// masks.c: stretches of known length in which interrupts are disabled,
// for irq_off.py to find. After each, they are enabled for a nop.

#include "ktap.h"

#include "cpu.h"
#include "exceptions.h"
#include "idt.h"
#include "interrupts.h"
#include "memory.h"
#include "timer.h"

// The second sti is the last instruction but one.
static __attribute__((noinline)) void plain(void)
{
    asm volatile("cli; .rept 2000; nop; .endr; sti; nop");
}

// Between the first sti and the cli no interrupt may come.
static __attribute__((noinline)) void joined(void)
{
    asm volatile("cli; .rept 700; nop; .endr;"
                 "sti; cli; .rept 700; nop; .endr; sti; nop");
}

// QEMU logs what accesses a device more than once.
static __attribute__((noinline)) void screen(void)
{
    volatile char *cell = direct_map(0xb8000);

    asm volatile("cli; .rept 300; movb $' ', (%0); .endr; sti; nop"
                 :
                 : "r"(cell)
                 : "memory");
}

static __attribute__((noinline)) void string(void)
{
    static char bytes[1000];
    void *to     = bytes;
    size_t count = sizeof(bytes);

    asm volatile("cli; rep stosb; sti; nop"
                 : "+D"(to), "+c"(count)
                 : "a"(0)
                 : "memory");
}

// A fault, after which the same instruction comes again.
static void skip(struct trap_frame *frame)
{
    frame->rax = (uint64_t)&frame->rax;
}

static __attribute__((noinline)) void fault(void)
{
    asm volatile("cli; mov %0, %%rax; mov (%%rax), %%rax; sti; nop"
                 :
                 : "r"(1ul << 63)
                 : "rax", "memory");
}

static void handle(struct trap_frame *frame)
{
    (void)frame;
    asm volatile(".rept 3000; nop; .endr");
}

TEST(stretches)
{
    idt_init();
    exception_set_handler(EXC_GENERAL_PROTECTION, skip);
    exception_set_handler(EXC_BREAKPOINT, handle);
    interrupts_init();
    timer_init();
    sti();
    for (int i = 0; i < 50; i++) {
        plain();
        joined();
        screen();
        string();
        fault();
        breakpoint();
    }
    cli();
}

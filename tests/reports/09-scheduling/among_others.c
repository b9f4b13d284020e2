// among_others.c: a thread ends everything while others print: by an
// exception, or by a panic, as the host decides.

#include "../../panics/open.h"

#include <stddef.h>

#include "cpu.h"
#include "idt.h"
#include "interrupts.h"
#include "printf.h"
#include "threads.h"
#include "timer.h"

enum { COM1_DATA = 0x3f8, COM1_INTERRUPTS = 0x3f9, RECEIVED = 1 };

static volatile int zero;
static volatile char how;

static void print(void *name)
{
    for (;;)
        printf("a line of %s\n", (const char *)name);
}

// It sleeps first: then it takes the CPU away from those who print.
static void end_everything(void *argument)
{
    (void)argument;
    timer_wait(50);
    if (how == 'p')
        panic("that was all");
    zero = 10 / zero;
}

static void listen(struct trap_frame *frame)
{
    (void)frame;
    how = inb(COM1_DATA);
    thread_create("last", PRIORITY_HIGH, end_everything, NULL);
}

TEST(reports)
{
    open_console();
    idt_init();
    interrupts_init();
    timer_init();
    interrupt_set_handler(IRQ_COM1, listen);
    outb(COM1_INTERRUPTS, RECEIVED);
    sti();
    thread_create("a", PRIORITY_NORMAL, print, "a");
    thread_create("b", PRIORITY_NORMAL, print, "b");
    print("main");
}

// guards.c: a thread writes below a stack: its own, or that of another
// thread, as the host decides.

#include "../../panics/open.h"

#include <stddef.h>

#include "cpu.h"
#include "idt.h"
#include "interrupts.h"
#include "printf.h"
#include "threads.h"

enum { COM1_DATA = 0x3f8, COM1_STATUS = 0x3fd, RECEIVED = 1 };

static struct thread *other;

static char read_character(void)
{
    while ((inb(COM1_STATUS) & RECEIVED) == 0)
        ;
    return inb(COM1_DATA);
}

static char *byte_to_write(char c)
{
    char *mine = thread_current()->stack;

    switch (c) {
    case 'l':
        return mine - 1;
    case 'f':
        return mine - PAGE_SIZE;
    case 'b':
        return mine - PAGE_SIZE - 1;
    default:
        return (char *)other->stack - 1;
    }
}

static void write_below(void *argument)
{
    (void)argument;
    printf("last, first, before, other?\n");
    *(volatile char *)byte_to_write(read_character()) = 0;
}

static void end(void *argument)
{
    (void)argument;
}

TEST(reports)
{
    struct thread *writer;

    open_console();
    idt_init();
    interrupts_init();
    writer = thread_create("writer", PRIORITY_LOW, write_below, NULL);
    other  = thread_create("other", PRIORITY_LOW, end, NULL);
    thread_join(writer);
}

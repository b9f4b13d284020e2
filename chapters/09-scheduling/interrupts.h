// interrupts.h: what devices have to say, and when the CPU listens.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"
#include "exceptions.h"
#include "pic.h"

// Interrupt requests: the lines of the interrupt controllers.
enum irq {
    IRQ_TIMER    = 0,
    IRQ_KEYBOARD = 1,
    IRQ_COM1     = 4,
    IRQS         = PIC_LINES,
};

enum { IRQ_VECTOR = EXCEPTIONS };  // of line 0

// Gives the lines vectors of their own. No device is heard yet.
void interrupts_init(void);

// Lets a line through. The handler is called with interrupts disabled
// and returns to the interrupted program; it must not wait for
// anything.
void interrupt_set_handler(enum irq line, exception_handler *handler);

// Is this a handler of an interrupt, or called by one?
bool interrupts_handling(void);

// How often a line has been heard, and how often it was spurious.
uint64_t interrupt_count(enum irq line);
uint64_t interrupts_spurious(void);

// For a few instructions that no interrupt may come between:
//
//      uint64_t flags = interrupts_disable();
//      ...
//      interrupts_restore(flags);
//
// The flags say whether interrupts were enabled before, so that such
// pieces can call each other.
static inline uint64_t interrupts_disable(void)
{
    uint64_t flags = read_rflags();

    cli();
    return flags;
}

static inline void interrupts_restore(uint64_t flags)
{
    if (flags & RFLAGS_IF)
        sti();
}

// Waits for an interrupt. They are disabled before and after: what is
// found out before is still so when the CPU halts.
static inline void interrupts_wait(void)
{
    sti_hlt();
    cli();
}

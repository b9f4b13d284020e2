// lines.h: the lines of the interrupt controllers, raised at will. Any
// device can be behind a line: here it is a timer of the HPET, which
// says itself which line it wants. IA-PC HPET Specification, "Timer N
// Configuration and Capabilities Register"; Intel 8259A data sheet.

#pragma once

#include "ktap.h"

#include <stddef.h>

#include "cpu.h"
#include "idt.h"
#include "interrupts.h"
#include "paging.h"
#include "pic.h"

enum {
    PIC1         = 0x20,  // command ports; data is behind
    PIC2         = 0xa0,
    POLL         = 0x0c,  // the next read acknowledges a request
    READ_REQUEST = 0x0a,
    READ_SERVICE = 0x0b,
    CASCADE_LINE = 2,
    EDGE_LEVEL   = 0x4d0,  // a bit for each line; 0: edge

    PIT_0       = 0x40,
    PIT_CONTROL = 0x43,
    ONE_SHOT    = 0x30,  // mode 0, both bytes
    PERIODIC    = 0x34,  // mode 2, both bytes

    COM1_IER = 0x3f9,

    HPET             = 0xfed00000,
    HPET_CONFIG      = 0x10 / 4,
    HPET_STATUS      = 0x20 / 4,
    HPET_COUNTER     = 0xf0 / 4,
    HPET_TIMER       = 0x100 / 4,
    HPET_COMPARATOR  = 0x108 / 4,
    HPET_ON          = 1,
    HPET_TIMER_LEVEL = 1 << 1,
    HPET_TIMER_ON    = 1 << 2,
    HPET_TIMER_32BIT = 1 << 8,
    HPET_ROUTE_SHIFT = 9,
};

// Of no device that the kernel listens to.
static const enum irq free_line __attribute__((unused)) = 5;

static volatile uint32_t *hpet(void)
{
    virt_addr page = DIRECT_MAP + HPET;
    phys_addr where;

    if (!page_translate(&kernel_space, page, &where))
        page_map(&kernel_space, page, HPET,
                 PAGE_WRITABLE | PAGE_NO_EXECUTE);
    return (volatile uint32_t *)page;
}

static uint8_t register_of(uint16_t command, uint8_t word)
{
    outb(command, word);
    return inb(command);
}

// One bit for each line: which have a request that the CPU has not
// taken, and which have no end of interrupt yet.
static uint16_t requested(void)
{
    return register_of(PIC1, READ_REQUEST) |
           register_of(PIC2, READ_REQUEST) << 8;
}

static __attribute__((unused)) uint16_t in_service(void)
{
    return register_of(PIC1, READ_SERVICE) |
           register_of(PIC2, READ_SERVICE) << 8;
}

static __attribute__((unused)) uint16_t masked_lines(void)
{
    return inb(PIC1 + 1) | inb(PIC2 + 1) << 8;
}

// What the CPU does when it takes an interrupt, by hand.
static __attribute__((unused)) int acknowledge(uint16_t command)
{
    return register_of(command, POLL) & 0x87;
}

static __attribute__((unused)) void lower_line(void)
{
    // Not once more, now or when the timer is on again.
    hpet()[HPET_COMPARATOR] = hpet()[HPET_COUNTER] + (1u << 31) - 1;
    hpet()[HPET_STATUS]     = 1;  // while the timer knows which line
    hpet()[HPET_TIMER]      = HPET_TIMER_32BIT;
}

// Line 2 has no device.
static __attribute__((unused)) bool is_raisable(int line)
{
    return line != CASCADE_LINE;
}

// Until lower_line. One at a time. Interrupts are disabled,
// or the line is masked: the request still waits afterwards.
static __attribute__((unused)) void raise_line(int line)
{
    lower_line();
    hpet()[HPET_TIMER] = HPET_TIMER_32BIT | HPET_TIMER_LEVEL |
                         HPET_TIMER_ON | line << HPET_ROUTE_SHIFT;
    hpet()[HPET_CONFIG]     = HPET_ON;
    hpet()[HPET_COMPARATOR] = hpet()[HPET_COUNTER] + 1;
    while ((requested() >> line & 1) == 0)
        ;
}

// The timer's own line: once, or again and again.
static __attribute__((unused)) void start_pit(uint8_t mode,
                                              uint16_t count)
{
    outb(PIT_CONTROL, mode);
    outb(PIT_0, count & 0xff);
    outb(PIT_0, count >> 8);
}

// As kernel_main does, but no device is heard. Lines of PCI are no
// longer different from others.
static void quiet(void)
{
    cli();
    lower_line();
    outb(EDGE_LEVEL, 0);
    outb(EDGE_LEVEL + 1, 0);
    outb(COM1_IER, 0);
    idt_init();
    interrupts_init();
}

// Takes what waits, one after the other, and leaves interrupts
// disabled.
static __attribute__((unused)) void take_interrupts(void)
{
    asm volatile("sti; nop; nop; cli" : : : "memory");
}

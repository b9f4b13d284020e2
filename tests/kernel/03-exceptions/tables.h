// tables.h: the CPU's descriptor tables, changed so that exceptions come
// of it.

#pragma once

#include "ktap.h"

#include <stddef.h>

#include "string.h"

enum { GATE_STACK = 4, GATE_TYPE = 5, GATE_PRESENT = 0x80 };

struct table {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

// The 16 bytes of a gate. idt_init makes them what they were.
static uint8_t *gate_of(int vector)
{
    struct table idtr;

    asm volatile("sidt %0" : "=m"(idtr));
    return (uint8_t *)idtr.base + 16 * vector;
}

// A copy of the GDT with more in it; the selector of what was added.
static uint16_t extend_gdt(const uint64_t *more, size_t count)
{
    static uint64_t gdt[64];
    struct table gdtr;
    size_t size;

    asm volatile("sgdt %0" : "=m"(gdtr));
    size = gdtr.limit + 1ul;
    memmove(gdt, (const void *)gdtr.base, size);
    memcpy((char *)gdt + size, more, count * sizeof(*more));
    gdtr.base = (uint64_t)gdt;
    gdtr.limit += count * sizeof(*more);
    asm volatile("lgdt %0" : : "m"(gdtr) : "memory");
    return size;
}

// A data segment that is not present.
static __attribute__((unused)) uint16_t absent_segment(void)
{
    const uint64_t data = 0x0000120000000000;

    return extend_gdt(&data, 1);
}

// From 06-double-faults on: the kernel's own GDT and TSS again.
void gdt_init(void) __attribute__((weak));

static __attribute__((unused)) void restore_gdt(void)
{
    if (gdt_init)
        gdt_init();
}

// A task-state segment that ends before its interrupt stack table.
static __attribute__((unused)) uint16_t load_short_tss(void)
{
    static uint32_t tss[8];
    uint64_t base               = (uint64_t)tss;
    const uint64_t descriptor[] = {
        (sizeof(tss) - 1) | (base & 0xffffff) << 16 | 0x89ul << 40 |
            (base >> 24 & 0xff) << 56,
        base >> 32,
    };
    uint16_t selector = extend_gdt(descriptor, 2);

    asm volatile("ltr %0" : : "r"(selector));
    return selector;
}

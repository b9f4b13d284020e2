// task.h: the task-state segment, as the CPU finds it.

#pragma once

#include "03-exceptions/tables.h"

static uint16_t task_register(void)
{
    uint16_t selector;

    asm volatile("str %0" : "=r"(selector));
    return selector;
}

// Intel SDM volume 3A, "TSS Descriptor in 64-bit mode".
static const char *task_state(void)
{
    struct table gdtr;
    const uint64_t *tss;

    asm volatile("sgdt %0" : "=m"(gdtr));
    tss = (const uint64_t *)(gdtr.base + task_register());
    return (const char *)((tss[0] >> 16 & 0xffffff) |
                          (tss[0] >> 56) << 24 | tss[1] << 32);
}

enum { TSS_IST1 = 36 };

// What the interrupt stack table has under a number from 1 to 7.
static __attribute__((unused)) uint64_t ist_entry(int number)
{
    uint64_t address;

    memcpy(&address, task_state() + TSS_IST1 + 8 * (number - 1),
           sizeof(address));
    return address;
}

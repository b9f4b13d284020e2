// live.h: the page tables as they are, for tests that change them.

#pragma once

#include "ktap.h"

enum { LIVE_PRESENT = 1 << 0, LIVE_WRITABLE = 1 << 1 };

static uint64_t *live_entry(uint64_t address)
{
    const uint64_t mask = 0x000ffffffffff000;
    uint64_t *entry;
    uint64_t table;

    asm volatile("mov %%cr3, %0" : "=r"(table));
    for (int shift = 39; shift >= 12; shift -= 9) {
        entry = (uint64_t *)ktap_physical(table & mask) +
                (address >> shift & 511);
        table = *entry;
    }
    return entry;
}

static void live_forget(uint64_t address)
{
    asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

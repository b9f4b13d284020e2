// walk.h: the page tables, walked as the CPU walks them. Intel SDM volume
// 3A, "4-Level Paging and 5-Level Paging".

#pragma once

#include "ktap.h"

#define PRESENT  (1ull << 0)
#define WRITABLE (1ull << 1)
#define USER     (1ull << 2)
#define LARGE    (1ull << 7)
#define ADDRESS  0x000ffffffffff000ull

enum { ENTRIES = 512, LEVELS = 4 };

static uint64_t cr3(void)
{
    uint64_t value;

    asm volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

// The entry that maps an address, of whichever level, and in *size how
// many bytes it maps: an entry that is not present maps to nowhere.
static uint64_t find_entry(uint64_t address, uint64_t *size)
{
    const uint64_t *table = ktap_physical(cr3() & ADDRESS);
    uint64_t entry        = 0;

    for (int level = LEVELS; level > 0; level--) {
        int shift = 12 + 9 * (level - 1);

        *size = 1ull << shift;
        entry = table[address >> shift & (ENTRIES - 1)];
        if (!(entry & PRESENT) || (level < LEVELS && entry & LARGE))
            return entry;
        table = ktap_physical(entry & ADDRESS);
    }
    return entry;
}

static bool is_hole(uint64_t address)
{
    uint64_t size;

    return !(find_entry(address, &size) & PRESENT);
}

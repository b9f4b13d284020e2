// probe.c: looks up an address as the CPU does, in the page tables:
//
//       63      48 47    39 38    30 29    21 20    12 11         0
//      | sign     | index  | index  | index  | index  | offset     |
//
// Each index picks an entry of a table, and the entry holds the address
// of the next table, or of the page. The tables have to be mapped at
// their physical addresses. Intel SDM volume 3A, "4-Level Paging".

#include "probe.h"

#include <stddef.h>

#include "cpu.h"
#include "string.h"

enum {
    PAGE_PRESENT = 1 << 0,
    PAGE_LARGE   = 1 << 7,  // the entry's page is of 1 GiB or 2 MiB
};

#define PAGE_ADDRESS 0x000ffffffffff000

static bool is_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static bool is_mapped(uint64_t address)
{
    uint64_t entry = read_cr3();

    for (int shift = 39; shift >= 12; shift -= 9) {
        uint64_t table = entry & PAGE_ADDRESS;
        int index      = address >> shift & 511;

        entry = ((const uint64_t *)table)[index];
        if (!(entry & PAGE_PRESENT))
            return false;
        if (entry & PAGE_LARGE)
            return true;
    }
    return true;
}

static bool is_readable(uint64_t address)
{
    return is_canonical(address) && is_mapped(address);
}

bool probe_read(const void *address, uint64_t *value)
{
    uint64_t first = (uint64_t)address;
    uint64_t last  = first + sizeof(*value) - 1;  // in another page?

    if (!is_readable(first) || !is_readable(last))
        return false;
    memcpy(value, address, sizeof(*value));
    return true;
}

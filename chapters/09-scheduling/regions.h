// regions.h: what lies where in the kernel's address space.

#pragma once

#include "memory.h"

enum region_kind {
    REGION_HOLE,   // nothing is ever mapped
    REGION_GUARD,  // the same, below a stack
    REGION_IMAGE,  // a part of the kernel: all of it is mapped
    REGION_POOL,   // pages come and go
};

struct region {
    virt_addr start, end;  // end is the first address behind it
    enum region_kind kind;
    uint64_t flags;  // of its pages; paging.h
    const char *name;
    const char *absent;  // what a page that is not present means
};

// In the order of addresses.
extern const struct region regions[];
extern const size_t regions_count;

// Returns the region that an address is in, or null.
const struct region *region_find(virt_addr address);

// Prints a line for each: where it is, what may be done, its name.
void regions_print(void);

// direct_map.h: all memory that is in use, mapped from DIRECT_MAP on.

#pragma once

#include "memory.h"
#include "paging.h"

#define BOOT_MAP_SIZE (4ul << 30)  // mapped by boot.asm: GIGABYTES

// Returns how many bytes the tables need to map memory up to an
// address, or BOOT_MAP_SIZE if that is more; whole pages.
size_t direct_map_table_size(phys_addr end);

// Puts new tables, in memory at a page below BOOT_MAP_SIZE, in place of
// boot.asm's. They map the first 2 MiB, the kernel's image read-only,
// without page 0, and size bytes from the tables on.
void direct_map_init(phys_addr tables, size_t size);

// Maps physical memory, of any alignment below DIRECT_MAP_SIZE, and
// what else lies in the same 2 MiB, for good.
void direct_map_add(phys_addr start, phys_addr end);

// Makes the direct map a part of an address space.
void direct_map_enter(struct address_space *space);

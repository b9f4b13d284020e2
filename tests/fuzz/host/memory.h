// memory.h: physical memory. It is where the copy of the kernel's
// memory.h says that the direct map is.

#pragma once

#include <stddef.h>
#include <stdint.h>

#define HOST_DIRECT_MAP 0x200000000000ul  // tests/fuzz.py

// Where a physical address can be accessed. It holds zeros at first.
void *host_memory(uint64_t address);

// Makes all of physical memory zeros again.
void host_forget(void);

// In the pages that have these bytes no others may be touched, until
// host_all.
void host_only(uint64_t address, size_t size);
void host_all(uint64_t address, size_t size);

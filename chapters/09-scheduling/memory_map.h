// memory_map.h: which physical memory the kernel may use.

#pragma once

#include "boot_info.h"
#include "ranges.h"

// Puts the addresses of all memory that is there and free into an empty
// set, in whole pages: not the first MiB, not the kernel, not the boot
// information, no module. Panics if the loader does not say what memory
// there is.
void memory_map_read(const struct boot_info *info,
                     struct range_set *usable);

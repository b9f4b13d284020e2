// probe.h: reading memory that may not be there.

#pragma once

#include <stdbool.h>
#include <stdint.h>

// Reads the 8 bytes at a virtual address, which may be anything. False,
// and value is unchanged, if there is nothing to be read. What is cured
// on a touch is cured: demand-zero memory is there afterwards.
bool probe_read(const void *address, uint64_t *value);

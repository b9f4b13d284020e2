// page_fault.h: what becomes of page faults.

#pragma once

#include "memory.h"

// The error code. Intel SDM volume 3A, "Page-Fault Exceptions".
enum {
    PF_PRESENT  = 1 << 0,
    PF_WRITE    = 1 << 1,
    PF_USER     = 1 << 2,
    PF_RESERVED = 1 << 3,
    PF_FETCH    = 1 << 4,
};

// From now on demand-zero memory is there, full of zeros, as soon as it
// is touched. All other page faults stay unhandled.
void page_fault_init(void);

// Prints, without a newline, why an access to an address failed.
void page_fault_explain(virt_addr address, uint64_t error_code);

// rdtsc.h: the time stamp counter, which under QEMU's -icount counts
// instructions.

#pragma once

#include <stdint.h>

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;

    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

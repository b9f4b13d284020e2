// clock.c: what it costs to look at the clock. Other measurements subtract
// it. With QEMU's -icount the clock counts instructions.

#include "ktap.h"

static uint64_t rdtsc(void)
{
    uint32_t low, high;

    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

TEST(rdtsc_pair)
{
    uint64_t start = rdtsc();
    uint64_t end   = rdtsc();

    ktap_value("rdtsc_pair", end - start, "instructions");
    CHECK(end > start);
}

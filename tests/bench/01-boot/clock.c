// clock.c: what it costs to look at the clock. Other measurements subtract
// it. With QEMU's -icount the clock counts instructions.

#include "../rdtsc.h"
#include "ktap.h"

TEST(rdtsc_pair)
{
    uint64_t start = rdtsc();
    uint64_t end   = rdtsc();

    ktap_value("rdtsc_pair", end - start, "instructions");
    CHECK(end > start);
}

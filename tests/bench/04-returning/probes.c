// probes.c: to ask whether there is memory, in instructions. 03-exceptions
// walks the page tables, later chapters try. QEMU's clock counts.

#include "../rdtsc.h"
#include "ktap.h"

#include <stddef.h>

#include "idt.h"
#include "probe.h"

static uint64_t cost(const void *address, bool readable)
{
    uint64_t value, start = rdtsc();
    bool read    = probe_read(address, &value);
    uint64_t end = rdtsc();

    CHECK_EQ(read, readable);
    return end - start;
}

TEST(probes)
{
    const uint64_t word = 1;
    uint64_t start      = rdtsc();
    uint64_t overhead   = rdtsc() - start;

    idt_init();
    ktap_value("probe_read_good", cost(&word, true) - overhead,
               "instructions");
    ktap_value("probe_read_null", cost(NULL, false) - overhead,
               "instructions");
}

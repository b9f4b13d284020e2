// faults.c: the first touch of demand-zero memory, in instructions.

#include "../rdtsc.h"
#include "ktap.h"

#include "frames.h"
#include "idt.h"
#include "page_fault.h"
#include "paging.h"

static volatile uint64_t *const memory =
    (volatile uint64_t *)DEMAND_ZERO;

static uint64_t cost_of_touching(size_t page)
{
    uint64_t start = rdtsc();

    memory[page * PAGE_SIZE / sizeof(*memory)] = 1;
    return rdtsc() - start;
}

static uint64_t cost_of_zeroing(void)
{
    static uint8_t page[PAGE_SIZE]
        __attribute__((aligned(PAGE_SIZE)));
    uint64_t start = rdtsc();

    page_clear(page);
    return rdtsc() - start;
}

// The first touch makes the tables, the third one is the same again.
TEST(first_touch)
{
    uint64_t tables, fault, touch, zeroing, start = rdtsc();
    uint64_t overhead = rdtsc() - start;

    idt_init();
    page_fault_init();
    tables  = cost_of_touching(0);
    fault   = cost_of_touching(1);
    touch   = cost_of_touching(1);
    zeroing = cost_of_zeroing() - overhead;
    ktap_value("demand_zero_fault_with_tables", tables - touch,
               "instructions");
    ktap_value("demand_zero_fault", fault - touch, "instructions");
    ktap_value("demand_zero_fault_without_zeroing",
               fault - touch - zeroing, "instructions");
}

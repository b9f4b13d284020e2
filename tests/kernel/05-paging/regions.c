// regions.c: what lies where in the address space.

#include "03-exceptions/captured.h"

#include "paging.h"
#include "printf.h"
#include "regions.h"

extern const char text_start[], rodata_start[], data_start[];
extern const char stack_guard[], stack_bottom[], stack_top[];
extern const char kernel_end[];

TEST(regions_are_in_order)
{
    for (size_t i = 0; i < regions_count; i++) {
        CHECK(regions[i].start < regions[i].end);
        CHECK_EQ(regions[i].start % PAGE_SIZE, 0);
        CHECK_EQ(regions[i].end % PAGE_SIZE, 0);
        CHECK(i == 0 || regions[i - 1].end <= regions[i].start);
    }
}

TEST(regions_of_the_kernel_have_no_gap)
{
    size_t i = 0;

    while (regions[i].start < KERNEL_BASE)
        i++;
    CHECK_EQ(regions[i].start, (virt_addr)text_start);
    for (i++; i < regions_count; i++)
        CHECK_EQ(regions[i - 1].end, regions[i].start);
    CHECK_EQ(regions[i - 1].end, (virt_addr)kernel_end);
}

TEST(regions_are_found_from_end_to_end)
{
    for (size_t i = 0; i < regions_count; i++) {
        CHECK_EQ(region_find(regions[i].start), &regions[i]);
        CHECK_EQ(region_find(regions[i].end - 1), &regions[i]);
        if (i > 0 && regions[i - 1].end < regions[i].start) {
            CHECK_EQ(region_find(regions[i].start - 1), NULL);
            CHECK_EQ(region_find(regions[i - 1].end), NULL);
        }
    }
    CHECK_EQ(region_find(UINT64_MAX), NULL);
    CHECK_EQ(region_find(1ul << 63), NULL);
}

TEST(regions_have_a_line_each)
{
    const struct {
        virt_addr start, end;
        const char *rest;
    } lines[] = {
        {0, PAGE_SIZE, "--- page 0"},
        {DIRECT_MAP, DIRECT_MAP + DIRECT_MAP_SIZE, "rw- direct map"},
        {DEMAND_ZERO, DEMAND_ZERO + DEMAND_ZERO_SIZE,
         "rw- demand-zero memory"},
        {(virt_addr)text_start, (virt_addr)rodata_start,
         "r-x kernel code"},
        {(virt_addr)rodata_start, (virt_addr)data_start,
         "r-- kernel constants"},
        {(virt_addr)data_start, region_find((virt_addr)data_start)->end,
         "rw- kernel data"},
        {(virt_addr)stack_guard, (virt_addr)stack_bottom,
         "--- kernel stack guard"},
        {(virt_addr)stack_bottom, (virt_addr)stack_top,
         "rw- kernel stack"},
    };
    char line[120];

    captured_start();
    regions_print();
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        snprintf(line, sizeof(line), "%016lx-%016lx %s\n",
                 lines[i].start, lines[i].end - 1, lines[i].rest);
        if (!CHECK(contains(captured.text, line)))
            CHECK_TEXT(captured.text, line);  // tells both
    }
    CHECK(begins_with(captured.text,
                      "0000000000000000-0000000000000fff --- page 0\n"
                      "ffff800000000000-"));
    CHECK(fits_screen(captured.text));
}

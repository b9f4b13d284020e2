// identity.c: the page tables of boot.asm, which are all there is until
// 05-paging.

#include "01-boot/walk.h"

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define GIB (1ull << 30)

extern const uint8_t stack_guard[];

static bool maps_to_itself(uint64_t address)
{
    uint64_t size;
    uint64_t entry = find_entry(address, &size);
    uint64_t base  = address & ~(size - 1);

    return entry & PRESENT && entry & WRITABLE && !(entry & USER) &&
           (entry & ADDRESS) == base;
}

TEST(all_other_pages_below_2_mib_map_to_themselves)
{
    for (uint64_t page = 4 * KIB; page < 2 * MIB; page += 4 * KIB)
        if (page != (uint64_t)stack_guard &&
            !CHECK(maps_to_itself(page)))
            CHECK_EQ(page, 0);  // tells which
}

TEST(the_rest_of_4_gib_maps_to_itself)
{
    for (uint64_t page = 2 * MIB; page < 4 * GIB; page += 2 * MIB)
        if (!CHECK(maps_to_itself(page)) ||
            !CHECK(maps_to_itself(page + 2 * MIB - 4 * KIB)))
            CHECK_EQ(page, 0);  // tells which
}

TEST(nothing_is_mapped_above_4_gib)
{
    for (uint64_t i = 4; i < ENTRIES; i++)
        CHECK(is_hole(i * GIB));
    for (uint64_t i = 1; i < ENTRIES; i++)
        CHECK(is_hole(i * ENTRIES * GIB));
}

// The local APIC answers for itself where memory would hold anything.
TEST(device_memory_can_be_read)
{
    const volatile uint32_t *apic =
        (const volatile uint32_t *)0xfee00000;
    uint32_t version = apic[0x30 / 4];

    CHECK(version != 0);
    CHECK(version != UINT32_MAX);
}

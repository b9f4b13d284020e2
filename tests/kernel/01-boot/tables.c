// tables.c: the page tables of boot.asm, walked as the CPU walks them.
// Intel SDM volume 3A, "4-Level Paging and 5-Level Paging".

#include "ktap.h"

#include <stddef.h>

#define PRESENT  (1ull << 0)
#define WRITABLE (1ull << 1)
#define USER     (1ull << 2)
#define LARGE    (1ull << 7)
#define ADDRESS  0x000ffffffffff000ull

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define GIB (1ull << 30)

enum { ENTRIES = 512, LEVELS = 4 };

extern const uint8_t stack_guard[], stack_bottom[], stack_top[];

static uint64_t cr3(void)
{
    uint64_t value;

    asm volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

// The entry that maps an address, of whichever level, and in *size how
// many bytes it maps: an entry that is not present maps to nowhere.
static uint64_t find_entry(uint64_t address, uint64_t *size)
{
    const uint64_t *table = (const uint64_t *)(cr3() & ADDRESS);
    uint64_t entry        = 0;

    for (int level = LEVELS; level > 0; level--) {
        int shift = 12 + 9 * (level - 1);

        *size = 1ull << shift;
        entry = table[address >> shift & (ENTRIES - 1)];
        if (!(entry & PRESENT) || (level < LEVELS && entry & LARGE))
            return entry;
        table = (const uint64_t *)(entry & ADDRESS);
    }
    return entry;
}

static bool maps_to_itself(uint64_t address)
{
    uint64_t size;
    uint64_t entry = find_entry(address, &size);
    uint64_t base  = address & ~(size - 1);

    return entry & PRESENT && entry & WRITABLE && !(entry & USER) &&
           (entry & ADDRESS) == base;
}

static bool is_hole(uint64_t address)
{
    uint64_t size;

    return !(find_entry(address, &size) & PRESENT);
}

TEST(first_page_is_a_hole)
{
    CHECK(is_hole(0));
    CHECK(is_hole(4 * KIB - 1));
}

TEST(stack_guard_is_a_hole)
{
    CHECK(is_hole((uint64_t)stack_guard));
    CHECK(is_hole((uint64_t)stack_bottom - 1));
    CHECK(!is_hole((uint64_t)stack_bottom));
    CHECK(!is_hole((uint64_t)stack_top - 1));
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

// direct_map.c: how memory comes into the direct map. Nothing is there
// beyond 128 MiB: what the tables say of it, no access can tell.

#include "01-boot/walk.h"

#include "direct_map.h"
#include "taken.h"

#define GIB (1ul << 30)

static bool is_mapped(phys_addr address)
{
    uint64_t size;
    uint64_t entry = find_entry(DIRECT_MAP + address, &size);

    return (entry & (PRESENT | WRITABLE | USER | LARGE)) ==
               (PRESENT | WRITABLE | LARGE) &&
           entry & PAGE_NO_EXECUTE && size == LARGE_PAGE_SIZE &&
           (entry & ADDRESS) == align_down(address, LARGE_PAGE_SIZE);
}

static bool is_absent(phys_addr address)
{
    return is_hole(DIRECT_MAP + address);
}

static phys_addr highest(void)
{
    phys_addr found = 0;

    for (phys_addr f = taken; f != NO_FRAME; f = *taken_next(f))
        found = f > found ? f : found;
    return found;
}

TEST(memory_is_mapped_as_it_is_used)
{
    static bool absent[64];  // large pages, of 128 MiB
    phys_addr last;

    for (size_t i = 0; i < 64; i++)
        absent[i] = is_absent(i * LARGE_PAGE_SIZE);
    take_all_but(0);
    last = highest();
    CHECK(absent[last / LARGE_PAGE_SIZE]);
    for (phys_addr at = LARGE_PAGE_SIZE; at <= last;
         at += LARGE_PAGE_SIZE)
        CHECK(is_mapped(at));
    CHECK(is_absent(align_up(last, LARGE_PAGE_SIZE)));
    give_back();
}

TEST(whole_large_pages_are_mapped)
{
    phys_addr start = GIB + 8 * LARGE_PAGE_SIZE;

    direct_map_add(start - 1, start + 2 * LARGE_PAGE_SIZE + 1);
    CHECK(is_absent(start - LARGE_PAGE_SIZE - 1));
    CHECK(is_mapped(start - LARGE_PAGE_SIZE));
    CHECK(is_mapped(start));
    CHECK(is_mapped(start + LARGE_PAGE_SIZE));
    CHECK(is_mapped(start + 2 * LARGE_PAGE_SIZE));
    CHECK(is_absent(start + 3 * LARGE_PAGE_SIZE));
}

TEST(no_large_page_too_many_is_mapped)
{
    phys_addr start = GIB + 32 * LARGE_PAGE_SIZE;

    direct_map_add(start, start);
    CHECK(is_absent(start));
    direct_map_add(start, start + LARGE_PAGE_SIZE);
    CHECK(is_absent(start - 1));
    CHECK(is_mapped(start));
    CHECK(is_absent(start + LARGE_PAGE_SIZE));
}

TEST(gibibytes_are_told_apart)
{
    CHECK(is_absent(2 * GIB));
    CHECK(is_absent(3 * GIB));
    direct_map_add(3 * GIB - 1, 3 * GIB + 1);
    CHECK(is_mapped(3 * GIB - LARGE_PAGE_SIZE));
    CHECK(is_mapped(3 * GIB));
    CHECK(is_absent(2 * GIB));
    CHECK(is_absent(3 * GIB - LARGE_PAGE_SIZE - 1));
    CHECK(is_absent(3 * GIB + LARGE_PAGE_SIZE));
    CHECK(is_absent(4 * GIB - 1));
    direct_map_add(4 * GIB - PAGE_SIZE, 4 * GIB);
    CHECK(is_mapped(4 * GIB - 1));
    CHECK(is_absent(4 * GIB));
}

TEST(memory_is_mapped_again_without_harm)
{
    uint64_t size;
    uint64_t before;

    direct_map_add(0, LARGE_PAGE_SIZE + 1);
    CHECK(is_mapped(LARGE_PAGE_SIZE));
    before = find_entry(DIRECT_MAP + PAGE_SIZE, &size);
    CHECK_EQ(size, PAGE_SIZE);
    CHECK_EQ(before & ADDRESS, PAGE_SIZE);
    CHECK(is_absent(0));
}

TEST(tables_have_a_page_for_each_gibibyte)
{
    CHECK_EQ(direct_map_table_size(0), 6 * PAGE_SIZE);
    CHECK_EQ(direct_map_table_size(GIB), 6 * PAGE_SIZE);
    CHECK_EQ(direct_map_table_size(4 * GIB), 6 * PAGE_SIZE);
    CHECK_EQ(direct_map_table_size(4 * GIB + 1), 7 * PAGE_SIZE);
    CHECK_EQ(direct_map_table_size(5 * GIB), 7 * PAGE_SIZE);
    CHECK_EQ(direct_map_table_size(512 * GIB), 514 * PAGE_SIZE);
}

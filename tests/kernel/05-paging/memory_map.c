// memory_map.c: what memory may be used, whatever a loader says of it.

#include "loader.h"

#include "frames.h"
#include "memory_map.h"

extern const char kernel_end[];

#define KIB 1024ul
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define AREAS(...) \
    (const struct loader_area[]){__VA_ARGS__}, \
        sizeof((struct loader_area[]){__VA_ARGS__}) / \
            sizeof(struct loader_area)

#define AVAILABLE(base, length) \
    { \
        base, length, LOADER_AVAILABLE, 0 \
    }
#define RESERVED(base, length) \
    { \
        base, length, LOADER_RESERVED, 0 \
    }

static struct range_set usable;

static void read(const struct boot_info *info)
{
    memset(&usable, 0, sizeof(usable));
    memory_map_read(info, &usable);
}

static void read_areas(const struct loader_area *areas, size_t count)
{
    loader_start();
    loader_put_map(areas, count, LOADER_AREA);
    read(loader_end());
}

static bool is_usable(phys_addr address)
{
    for (size_t i = 0; i < usable.count; i++)
        if (address >= usable.ranges[i].start &&
            address < usable.ranges[i].end)
            return true;
    return false;
}

// Is this, and nothing right before it or behind it?
static bool is_range(phys_addr from, phys_addr to)
{
    phys_addr at = from;

    for (size_t i = 0; i < usable.count && at < to; i++)
        if (usable.ranges[i].start == at)
            at = usable.ranges[i].end;
    return at == to && !is_usable(from - 1) && !is_usable(to);
}

static void check_total(uint64_t bytes)
{
    CHECK_EQ(range_total(&usable), bytes);
    for (size_t i = 0; i < usable.count; i++) {
        CHECK_EQ(usable.ranges[i].start % PAGE_SIZE, 0);
        CHECK_EQ(usable.ranges[i].end % PAGE_SIZE, 0);
    }
}

TEST(areas_in_no_order)
{
    read_areas(AREAS(AVAILABLE(3 * GIB, 4 * MIB),
                     AVAILABLE(16 * MIB, 4 * MIB),
                     AVAILABLE(1 * GIB, 8 * MIB)));
    CHECK(is_range(16 * MIB, 20 * MIB));
    CHECK(is_range(1 * GIB, 1 * GIB + 8 * MIB));
    CHECK(is_range(3 * GIB, 3 * GIB + 4 * MIB));
    check_total(16 * MIB);
    CHECK_EQ(usable.ranges[0].start, 16 * MIB);
}

TEST(areas_that_touch_and_overlap)
{
    read_areas(AREAS(AVAILABLE(20 * MIB, 4 * MIB),
                     AVAILABLE(16 * MIB, 4 * MIB),
                     AVAILABLE(22 * MIB, 10 * MIB)));
    CHECK(is_range(16 * MIB, 32 * MIB));
    check_total(16 * MIB);
}

TEST(reserved_areas_win_in_any_order)
{
    read_areas(AREAS(RESERVED(20 * MIB, 4 * MIB),
                     AVAILABLE(16 * MIB, 16 * MIB),
                     RESERVED(30 * MIB, 4 * MIB)));
    CHECK(is_range(16 * MIB, 20 * MIB));
    CHECK(is_range(24 * MIB, 30 * MIB));
    check_total(10 * MIB);
}

// ACPI tables, ACPI NVS, bad memory, types of the future and 0.
TEST(only_one_type_is_available)
{
    const uint32_t types[] = {0, 2, 3, 4, 5, 6, 257, 1u << 31};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        read_areas(AREAS(AVAILABLE(16 * MIB, 8 * MIB),
                         {18 * MIB, 1 * MIB, types[i], 0},
                         {32 * MIB, 1 * MIB, types[i], 0}));
        CHECK(is_range(16 * MIB, 18 * MIB));
        CHECK(is_range(19 * MIB, 24 * MIB));
        check_total(7 * MIB);
    }
}

TEST(part_of_an_available_page_is_none)
{
    read_areas(AREAS(AVAILABLE(16 * MIB + 1, 4 * PAGE_SIZE),
                     AVAILABLE(17 * MIB - 1, 4 * PAGE_SIZE),
                     AVAILABLE(18 * MIB + 8, PAGE_SIZE - 16),
                     AVAILABLE(19 * MIB + 8, 2 * PAGE_SIZE - 16),
                     AVAILABLE(20 * MIB, PAGE_SIZE - 1)));
    CHECK(is_range(16 * MIB + PAGE_SIZE, 16 * MIB + 4 * PAGE_SIZE));
    CHECK(is_range(17 * MIB, 17 * MIB + 3 * PAGE_SIZE));
    check_total(6 * PAGE_SIZE);
}

TEST(byte_of_a_reserved_page_is_all_of_it)
{
    read_areas(AREAS(AVAILABLE(16 * MIB, 1 * MIB),
                     RESERVED(16 * MIB + 5 * PAGE_SIZE - 1, 1),
                     RESERVED(16 * MIB + 8 * PAGE_SIZE, 1),
                     RESERVED(16 * MIB + 11 * PAGE_SIZE - 1, 2)));
    CHECK(is_range(16 * MIB, 16 * MIB + 4 * PAGE_SIZE));
    CHECK(is_range(16 * MIB + 5 * PAGE_SIZE, 16 * MIB + 8 * PAGE_SIZE));
    CHECK(
        is_range(16 * MIB + 9 * PAGE_SIZE, 16 * MIB + 10 * PAGE_SIZE));
    CHECK(is_range(16 * MIB + 12 * PAGE_SIZE, 17 * MIB));
    check_total(1 * MIB - 4 * PAGE_SIZE);
}

TEST(areas_without_length_change_nothing)
{
    read_areas(AREAS(AVAILABLE(16 * MIB, 8 * MIB),
                     RESERVED(18 * MIB, 0), AVAILABLE(64 * MIB, 0),
                     AVAILABLE(65 * MIB + 5, 0)));
    CHECK(is_range(16 * MIB, 24 * MIB));
    check_total(8 * MIB);
}

TEST(no_areas_are_no_memory)
{
    loader_start();
    loader_put_map(NULL, 0, LOADER_AREA);
    read(loader_end());
    CHECK_EQ(usable.count, 0);
}

TEST(areas_may_end_beyond_the_last_address)
{
    read_areas(AREAS(AVAILABLE(511 * GIB, UINT64_MAX - 1 * GIB)));
    CHECK(is_range(511 * GIB, 512 * GIB));
    check_total(1 * GIB);
    read_areas(AREAS(AVAILABLE(16 * MIB, 16 * GIB),
                     RESERVED(1 * GIB, UINT64_MAX - 5)));
    CHECK(is_range(16 * MIB, 1 * GIB));
    check_total(1 * GIB - 16 * MIB);
    read_areas(AREAS(AVAILABLE(UINT64_MAX - 5, UINT64_MAX)));
    CHECK_EQ(usable.count, 0);
}

// An area up to 2^64 as such does not wrap, but its sum does.
TEST(areas_may_end_at_the_last_address)
{
    read_areas(AREAS(AVAILABLE(16 * MIB, 16 * GIB),
                     RESERVED(1 * GIB, -1 * GIB)));
    CHECK(is_range(16 * MIB, 1 * GIB));
    check_total(1 * GIB - 16 * MIB);
}

TEST(memory_beyond_the_direct_map_is_left_alone)
{
    read_areas(AREAS(AVAILABLE(510 * GIB, 4 * GIB),
                     AVAILABLE(600 * GIB, 4 * GIB),
                     RESERVED(700 * GIB, 4 * GIB)));
    CHECK(is_range(510 * GIB, 512 * GIB));
    check_total(2 * GIB);
}

TEST(longer_areas)
{
    for (uint32_t size = LOADER_AREA; size <= 80; size += 8) {
        loader_start();
        loader_put_map(AREAS(AVAILABLE(16 * MIB, 4 * MIB),
                             RESERVED(18 * MIB, 1 * MIB),
                             AVAILABLE(32 * MIB, 4 * MIB)),
                       size);
        read(loader_end());
        CHECK(is_range(16 * MIB, 18 * MIB));
        CHECK(is_range(19 * MIB, 20 * MIB));
        CHECK(is_range(32 * MIB, 36 * MIB));
        check_total(7 * MIB);
    }
}

// The map ends before the type of the last one. What looks like it is
// another tag, of 8 bytes.
TEST(part_of_an_area_is_none)
{
    const uint32_t size = 16 + 2 * LOADER_AREA - 8;

    loader_start();
    loader_put_map(AREAS(AVAILABLE(16 * MIB, 4 * MIB),
                         {32 * MIB, 4 * MIB, LOADER_AVAILABLE, 8}),
                   LOADER_AREA);
    memcpy(loader.bytes + 12, &size, sizeof(size));
    read(loader_end());
    CHECK(is_range(16 * MIB, 20 * MIB));
    check_total(4 * MIB);
}

// What is never free

static const struct loader_area everything = {
    0,
    4 * GIB,
    LOADER_AVAILABLE,
    0,
};

TEST(first_mib_and_the_image_are_taken)
{
    phys_addr end = image_address(kernel_end);

    read_areas(&everything, 1);
    CHECK(is_range(end, 4 * GIB));
    check_total(4 * GIB - end);
}

TEST(first_mib_is_taken_even_in_part)
{
    read_areas(AREAS(AVAILABLE(64 * KIB, 32 * KIB),
                     AVAILABLE(1 * MIB - PAGE_SIZE, 16 * KIB)));
    CHECK_EQ(usable.count, 0);
}

TEST(boot_information_is_taken)
{
    phys_addr frame = frame_alloc();

    loader_start();
    loader_put_map(&everything, 1, LOADER_AREA);
    read(loader_end_at(frame + 8));
    CHECK(is_range(image_address(kernel_end), frame));
    CHECK(is_range(frame + PAGE_SIZE, 4 * GIB));
    frame_free(frame);
}

// To its last byte, and so the next page as well.
TEST(long_boot_information_is_taken)
{
    phys_addr frame = frame_alloc();
    struct boot_info *info;

    loader_start();
    loader_put_map(&everything, 1, LOADER_AREA);
    info       = loader_end_at(frame);
    info->size = PAGE_SIZE + 8;
    read(info);
    CHECK(is_range(frame + 2 * PAGE_SIZE, 4 * GIB));
    info->size = PAGE_SIZE;
    read(info);
    CHECK(is_range(frame + PAGE_SIZE, 4 * GIB));
    frame_free(frame);
}

TEST(modules_are_taken)
{
    loader_start();
    loader_put_module(64 * MIB, 65 * MIB);
    loader_put_map(&everything, 1, LOADER_AREA);
    loader_put_module(32 * MIB, 32 * MIB);
    loader_put_module(48 * MIB + 5, 48 * MIB + PAGE_SIZE + 1);
    loader_put_module(0xfffff000, 0xffffffff);
    read(loader_end());
    CHECK(is_range(image_address(kernel_end), 48 * MIB));
    CHECK(is_range(48 * MIB + 2 * PAGE_SIZE, 64 * MIB));
    CHECK(is_range(65 * MIB, 4 * GIB - PAGE_SIZE));
}

TEST(modules_do_not_free_anything)
{
    loader_start();
    loader_put_map(AREAS(AVAILABLE(16 * MIB, 4 * MIB)), LOADER_AREA);
    loader_put_module(18 * MIB, 64 * MIB);
    read(loader_end());
    CHECK(is_range(16 * MIB, 18 * MIB));
    check_total(2 * MIB);
}

// Maps drawn at random, and a window of pages looked at one by one

enum { DRAWN = 8, PAGES = 64 };

#define WINDOW (1 * GIB)

static uint32_t drawn(uint32_t below)
{
    static uint32_t state = 1;

    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

// At the edge of a page as often as not.
static uint64_t drawn_address(uint64_t from, uint32_t bytes)
{
    uint64_t address = from + drawn(bytes);

    return drawn(2) == 0 ? address : align_up(address, PAGE_SIZE);
}

static void draw(struct loader_area *areas)
{
    for (int i = 0; i < DRAWN; i++) {
        uint64_t start = drawn_address(WINDOW, PAGES * PAGE_SIZE);
        uint64_t end   = drawn_address(start + 1, 16 * PAGE_SIZE);

        areas[i] =
            (struct loader_area){start, end - start, 1 + drawn(2), 0};
    }
}

static bool should_be_usable(const struct loader_area *areas,
                             phys_addr page)
{
    bool covered = false;

    for (int i = 0; i < DRAWN; i++) {
        uint64_t start = areas[i].base, end = start + areas[i].length;

        if (areas[i].type != LOADER_AVAILABLE &&
            start < page + PAGE_SIZE && end > page)
            return false;
        covered |= areas[i].type == LOADER_AVAILABLE && start <= page &&
                   end >= page + PAGE_SIZE;
    }
    return covered;
}

TEST(pages_of_maps_at_random)
{
    struct loader_area areas[DRAWN];

    for (int i = 0; i < 300; i++) {
        draw(areas);
        read_areas(areas, DRAWN);
        for (int n = 0; n < PAGES + 32; n++) {
            phys_addr page = WINDOW + n * PAGE_SIZE;

            if (!CHECK_EQ(is_usable(page),
                          should_be_usable(areas, page)))
                return;
        }
    }
}

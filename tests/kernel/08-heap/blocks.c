// blocks.c: blocks of all sizes, each of which is somebody's own.

#include "blocks.h"

#include <stdint.h>

#include "05-paging/taken.h"

#include "paging.h"
#include "string.h"

enum { SIZES = 5001 };

static void *blocks[SIZES];

static void allocate_all_sizes(void)
{
    for (size_t size = 0; size < SIZES; size++) {
        blocks[size] = kmalloc(size);
        CHECK(blocks[size] != NULL);
        CHECK_EQ((virt_addr)blocks[size] % UNIT, 0);
        if (size >= PAGE_SIZE)
            CHECK_EQ((virt_addr)blocks[size] % PAGE_SIZE, 0);
        mark(blocks[size], size, size * 0x0101010101010101);
    }
}

// Those of every third size, from the given one on.
static void free_some(size_t first)
{
    for (size_t size = first; size < SIZES; size += 3) {
        CHECK(is_marked(blocks[size], size, size * 0x0101010101010101));
        kfree(blocks[size]);
    }
}

TEST(blocks_of_all_sizes_keep_what_is_written)
{
    size_t free = 0;

    for (int round = 0; round < 2; round++) {
        allocate_all_sizes();
        free_some(1);
        free_some(2);
        free_some(0);
        if (round == 0)
            free = frames_without_heap();
    }
    CHECK_EQ(frames_without_heap(), free);
}

// Also those of the same size have nothing in common.
TEST(blocks_of_no_size_are_blocks)
{
    void *a = kmalloc(0), *b = kmalloc(0);

    CHECK(a != NULL);
    CHECK(b != NULL);
    CHECK(a != b);
    kfree(a);
    kfree(b);
}

TEST(nothing_happens_to_null)
{
    size_t free = frames_free();

    for (int i = 0; i < 10; i++)
        kfree(NULL);
    CHECK_EQ(frames_free(), free);
}

// Whatever the rounding makes of these.
static const size_t too_large[] = {
    SIZE_MAX,        SIZE_MAX - 1,    SIZE_MAX - 14,   SIZE_MAX - 15,
    SIZE_MAX - 16,   SIZE_MAX - 31,   SIZE_MAX - 32,   SIZE_MAX - 33,
    SIZE_MAX - 4094, SIZE_MAX - 4095, SIZE_MAX - 4096, SIZE_MAX - 8192,
    1ul << 63,       1ul << 52,       1ul << 48,       (1ul << 40) - 1,
    1ul << 40,       1ul << 39,       1ul << 32,
};

TEST(what_is_too_large_is_null)
{
    size_t free = frames_without_heap();
    void *old   = kmalloc(100);

    mark(old, 100, 1);
    for (size_t i = 0; i < sizeof(too_large) / sizeof(size_t); i++) {
        CHECK(kmalloc(too_large[i]) == NULL);
        CHECK(kcalloc(1, too_large[i]) == NULL);
        CHECK(kcalloc(too_large[i], 1) == NULL);
        CHECK(krealloc(NULL, too_large[i]) == NULL);
        CHECK(krealloc(old, too_large[i]) == NULL);
    }
    CHECK(is_marked(old, 100, 1));
    kfree(old);
    CHECK_EQ(frames_without_heap(), free);
}

// kcalloc

static const size_t cleared_sizes[] = {
    1,    8,    15,   16,   17,   100,  1000,
    1904, 1905, 4095, 4096, 4097, 8192, 20000,
};

// What others have left there.
static void dirty(size_t size)
{
    void *old[4];

    for (int i = 0; i < 4; i++) {
        old[i] = kmalloc(size);
        memset(old[i], 0xff, size);
    }
    for (int i = 0; i < 4; i++)
        kfree(old[i]);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

TEST(arrays_are_zero)
{
    for (size_t i = 0; i < sizeof(cleared_sizes) / sizeof(size_t);
         i++) {
        size_t size = cleared_sizes[i];
        void *a, *b;

        dirty(size);
        a = kcalloc(1, size);
        b = kcalloc(size, 1);
        CHECK(a != NULL && is_zero(a, size));
        CHECK(b != NULL && is_zero(b, size));
        kfree(a);
        kfree(b);
    }
}

TEST(arrays_have_room_for_all_elements)
{
    char(*a)[24] = kcalloc(1000, sizeof(*a));
    char(*b)[1]  = kcalloc(3, 700);

    mark(a, 24000, 5);
    mark(b, 2100, 6);
    CHECK(is_marked(a, 24000, 5));
    CHECK(is_marked(b, 2100, 6));
    kfree(a);
    kfree(b);
    a = kcalloc(0, SIZE_MAX);
    b = kcalloc(SIZE_MAX, 0);
    CHECK(a != NULL);
    CHECK(b != NULL);
    kfree(a);
    kfree(b);
}

// Multiplied, most of these are less than a page, modulo 2^64.
static const size_t products[][2] = {
    {1ul << 32, 1ul << 32},        // 0
    {1ul << 63, 2},                // 0
    {1ul << 60, 16},               // 0
    {(1ul << 60) + 1, 16},         // 16
    {SIZE_MAX / 16 + 2, 16},       // 16
    {SIZE_MAX / 3 + 1, 3},         // 2
    {SIZE_MAX, SIZE_MAX},          // 1
    {0x8000000000000001, 2},       // 2
    {(1ul << 32) + 1, 1ul << 32},  // 2^32
    {SIZE_MAX, 2},
    {SIZE_MAX / 2, 3},
};

TEST(arrays_that_no_number_can_say_are_null)
{
    size_t free = frames_without_heap();

    for (size_t i = 0; i < sizeof(products) / sizeof(products[0]);
         i++) {
        CHECK(kcalloc(products[i][0], products[i][1]) == NULL);
        CHECK(kcalloc(products[i][1], products[i][0]) == NULL);
    }
    CHECK_EQ(frames_without_heap(), free);
}

// page_map_new

enum { FLAGS = PAGE_NO_EXECUTE };

// A page of a part of memory that has no tables: 512 GiB each.
static virt_addr without_tables(void)
{
    static virt_addr next = 0x100000000000;

    next += 512ul << 30;
    return next;
}

TEST(new_pages_have_a_frame_of_their_own)
{
    virt_addr page = without_tables();
    size_t free    = frames_free();
    phys_addr a = NO_FRAME, b = NO_FRAME;

    CHECK(page_map_new(&kernel_space, page, FLAGS | PAGE_WRITABLE));
    CHECK_EQ(frames_free(), free - 4);  // three are tables
    CHECK(page_map_new(&kernel_space, page + PAGE_SIZE, FLAGS));
    CHECK_EQ(frames_free(), free - 5);
    CHECK(page_translate(&kernel_space, page, &a));
    CHECK(page_translate(&kernel_space, page + PAGE_SIZE, &b));
    CHECK(a != b);
    mark((void *)page, PAGE_SIZE, 7);
    CHECK(is_marked(direct_map(a), PAGE_SIZE, 7));
    frame_free(page_unmap(&kernel_space, page));
    frame_free(page_unmap(&kernel_space, page + PAGE_SIZE));
    CHECK_EQ(frames_free(), free - 3);
}

// One frame for the page, and then none, one or two for three tables.
TEST(without_tables_the_frame_of_a_new_page_comes_back)
{
    for (size_t left = 0; left < 4; left++) {
        virt_addr page = without_tables();
        phys_addr frame;

        heap_trim();
        take_all_but(left);
        CHECK(!page_map_new(&kernel_space, page, FLAGS));
        CHECK_EQ(frames_free(), left > 0);
        CHECK(!page_translate(&kernel_space, page, &frame));
        give_back();
    }
}

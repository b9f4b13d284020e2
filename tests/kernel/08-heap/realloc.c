// realloc.c: blocks that grow and shrink.

#include "slabs.h"

#include "05-paging/taken.h"

static const size_t sizes[] = {
    0,    1,    15,   16,   17,   64,   100,   1000,   1903,   1904,
    1905, 4095, 4096, 4097, 8192, 8193, 30000, 100000, 600000,
};

enum { SIZES = sizeof(sizes) / sizeof(sizes[0]), BYSTANDERS = 8 };

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

// What a copy that is too long would damage.
static void *bystanders[BYSTANDERS][2];

static void surround(size_t from, size_t to)
{
    for (int i = 0; i < BYSTANDERS; i++) {
        bystanders[i][0] = kmalloc(from);
        bystanders[i][1] = kmalloc(to);
        mark(bystanders[i][0], from, i);
        mark(bystanders[i][1], to, ~i);
    }
}

static void check_bystanders(size_t from, size_t to)
{
    for (int i = 0; i < BYSTANDERS; i++) {
        CHECK(is_marked(bystanders[i][0], from, i));
        CHECK(is_marked(bystanders[i][1], to, ~i));
        kfree(bystanders[i][0]);
        kfree(bystanders[i][1]);
    }
}

static void resize(size_t from, size_t to)
{
    void *block, *other;

    surround(lesser(from, 9000), lesser(to, 9000));
    block = kmalloc(from);
    mark(block, from, 0x1234567);
    other = krealloc(block, to);
    CHECK(other != NULL);
    CHECK(begins_marked(other, lesser(from, to), from, 0x1234567));
    mark(other, to, 0x89abcdef);
    check_bystanders(lesser(from, 9000), lesser(to, 9000));
    CHECK(is_marked(other, to, 0x89abcdef));
    kfree(other);
}

TEST(bytes_are_kept_from_any_size_to_any_other)
{
    size_t free = 0;

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < SIZES; i++)
            for (int j = 0; j < SIZES; j++)
                resize(sizes[i], sizes[j]);
        if (round == 0)
            free = frames_without_heap();
    }
    CHECK_EQ(frames_without_heap(), free);
}

// Each byte, of small blocks and of large ones.
TEST(every_byte_is_kept)
{
    static const size_t steps[] = {1,    16,   17,   1904, 1905,
                                   4096, 4097, 9000, 4096, 1905,
                                   1904, 100,  17,   16,   1};
    uint8_t *bytes              = kmalloc(1);
    size_t kept                 = 1;

    bytes[0] = 0;
    for (size_t i = 1; i < sizeof(steps) / sizeof(steps[0]); i++) {
        bytes = krealloc(bytes, steps[i]);
        kept  = lesser(kept, steps[i]);
        for (size_t at = 0; at < kept; at++)
            CHECK_EQ(bytes[at], (uint8_t)(at * 7));
        for (; kept < steps[i]; kept++)
            bytes[kept] = kept * 7;
    }
    kfree(bytes);
}

TEST(null_becomes_a_block)
{
    for (int i = 0; i < SIZES; i++) {
        void *block = krealloc(NULL, sizes[i]);

        CHECK(block != NULL);
        mark(block, sizes[i], i);
        CHECK(is_marked(block, sizes[i], i));
        kfree(block);
    }
}

// The old one is given back: it is not null that comes back, but
// another block.
TEST(no_size_is_a_size)
{
    size_t free;
    void *block;

    kfree(kmalloc(100000));  // its tables
    free  = frames_without_heap();
    block = krealloc(kmalloc(100000), 0);
    CHECK(block != NULL);
    CHECK_EQ(frames_free(), free - 1);
    kfree(block);
    CHECK_EQ(frames_without_heap(), free);
}

// From a block of so many bytes in all.
static void check_move(size_t had, size_t size, bool moves)
{
    void *block = kmalloc(had);
    void *other = krealloc(block, size);

    CHECK_EQ(other != block, moves || HEAP_DEBUG);
    kfree(other);
}

// It fits if it is no larger, and not smaller than half of it.
TEST(block_stays_where_it_is_if_it_fits)
{
    static const size_t full[] = {16,  32,   64,   128,      336,
                                  752, 1904, 4096, 3 * 4096, 65536};

    for (size_t i = 0; i < sizeof(full) / sizeof(full[0]); i++) {
        check_move(full[i], full[i], false);
        check_move(full[i], full[i] - 1, false);
        check_move(full[i], full[i] / 2, false);
        check_move(full[i], full[i] / 2 - 1, true);
        check_move(full[i], full[i] + 1, true);
        check_move(full[i] - 15, full[i], false);
        check_move(full[i], 0, true);
    }
    check_move(4097, 8192, false);
    check_move(4097, 8193, true);
}

// What a block gives up is to be had.
TEST(shrinking_gives_frames_back)
{
    size_t free;
    void *block;

    kfree(kmalloc(400000));  // the tables
    kfree(kmalloc(4000));
    free  = frames_without_heap();
    block = kmalloc(400000);
    block = krealloc(block, 4000);
    CHECK_EQ(frames_free(), free - 1);
    kfree(block);
    CHECK_EQ(frames_without_heap(), free);
}

static void check_without_memory(size_t from, size_t to)
{
    size_t free = frames_without_heap();
    void *block = kmalloc(from);

    mark(block, from, 99);
    take_all_but(0);
    for (int i = 0; i < 3; i++)
        CHECK(krealloc(block, to) == NULL);
    CHECK(is_marked(block, from, 99));
    give_back();
    block = krealloc(block, to);
    CHECK(begins_marked(block, lesser(from, to), from, 99));
    kfree(block);
    CHECK(free - frames_without_heap() <= 4);  // tables
}

TEST(without_memory_a_block_stays_as_it_is)
{
    check_without_memory(16, 100);
    check_without_memory(100, 1000);
    check_without_memory(1000, 5000);
    check_without_memory(5000, 20000);
    check_without_memory(20000, 1000);
    check_without_memory(40000, 16);
}

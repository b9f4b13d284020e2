// frames_kept.c: frames are taken when they are needed, and come back.

#include "slabs.h"

#include "05-paging/taken.h"

static const size_t sizes[] = {16,   40,   100,  200,   1000,
                               1904, 2000, 4096, 10000, 20000};

enum { SIZES = sizeof(sizes) / sizeof(sizes[0]), BLOCKS = 600 };

static void *blocks[BLOCKS];

static void allocate(size_t size)
{
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = kmalloc(size);
        mark(blocks[i], size, i);
    }
}

// The order is that of multiples of a number, modulo BLOCKS, with which
// it has no factor in common.
static void free_in_order(size_t size, int step)
{
    for (int i = 0, at = 0; i < BLOCKS; i++) {
        CHECK(is_marked(blocks[at], size, at));
        kfree(blocks[at]);
        at = (at + step) % BLOCKS;
    }
}

// Forwards, backwards, and across all frames. One frame may be kept.
TEST(frames_come_back_without_being_asked_for)
{
    static const int steps[] = {1, BLOCKS - 1, 37, 301};

    for (int i = 0; i < SIZES; i++) {
        size_t free;

        allocate(sizes[i]);
        free_in_order(sizes[i], 1);
        free = frames_without_heap();
        for (int s = 0; s < 4; s++) {
            bool is_small = sizes[i] < SMALL_END;

            allocate(sizes[i]);
            free_in_order(sizes[i], steps[s]);
            CHECK_EQ(frames_free(), free - is_small);
        }
        CHECK_EQ(heap_trim(), sizes[i] < SMALL_END);
        CHECK_EQ(frames_free(), free);
        CHECK_EQ(heap_trim(), 0);
    }
}

// What is kept is used: the first block needs no frame, and to give it
// back makes none free.
TEST(one_frame_is_kept_for_the_next_block)
{
    size_t free = frames_without_heap();

    for (int i = 0; i < 100; i++) {
        void *block = kmalloc(100);

        CHECK_EQ(frames_free(), free - 1);
        kfree(block);
        CHECK_EQ(frames_free(), free - 1);
    }
    CHECK_EQ(heap_trim(), 1);
    CHECK_EQ(frames_free(), free);
}

// Also where frames of its class are full: what is free then is not
// given back.
TEST(next_block_needs_no_frame_though_others_are_full)
{
    struct layout layout = layout_of(100);
    size_t free          = frames_without_heap();

    for (size_t i = 0; i < 2 * layout.count; i++)
        own(100);
    CHECK_EQ(frames_free(), free - 2);
    for (int i = 0; i < 10; i++) {
        own(100);
        CHECK_EQ(frames_free(), free - 3);
        disown();
        CHECK_EQ(frames_free(), free - 3);
    }
    disown_all();
    CHECK_EQ(frames_free(), free - 1);
    CHECK_EQ(frames_without_heap(), free);
}

// Two full frames of which each has lost a block, in both orders; then
// the first one loses all.
static void check_given_back(int first)
{
    struct layout layout = layout_of(100);
    size_t free          = frames_without_heap();

    for (size_t i = 0; i < 2 * layout.count; i++)
        blocks[i] = kmalloc(100);
    kfree(blocks[first ? 0 : layout.count]);
    kfree(blocks[first ? layout.count : 0]);
    CHECK_EQ(frames_free(), free - 2);
    for (size_t i = 1; i < layout.count; i++)
        kfree(blocks[i]);
    CHECK_EQ(frames_free(), free - 1);
    for (size_t i = 1; i < layout.count; i++)
        kfree(blocks[layout.count + i]);
    CHECK_EQ(frames_free(), free - 1);
    CHECK_EQ(frames_without_heap(), free);
}

TEST(frame_is_given_back_while_another_has_free_blocks)
{
    check_given_back(0);
    check_given_back(1);
}

// As many frames as blocks fill, and no more.
TEST(frames_are_filled_before_others_are_taken)
{
    for (int i = 0; i < SIZES && sizes[i] < SMALL_END - OVERHEAD; i++) {
        struct layout layout = layout_of(sizes[i]);
        size_t free          = frames_without_heap();

        for (size_t count = 1; count <= 5 * layout.count; count++) {
            own(sizes[i]);
            CHECK_EQ(free - frames_free(),
                     (count - 1) / layout.count + 1);
        }
        disown_all();
    }
}

// Wherever they are.
TEST(free_blocks_are_used_before_a_frame_is_taken)
{
    for (int i = 0; i < SIZES && sizes[i] < SMALL_END; i++) {
        size_t free = frames_without_heap(), before;

        allocate(sizes[i]);
        before = frames_free();
        for (int round = 0; round < 4; round++) {
            int at = 0;

            for (; at < BLOCKS; at += 3 + round)
                kfree(blocks[at]);
            for (at = 0; at < BLOCKS; at += 3 + round) {
                blocks[at] = kmalloc(sizes[i]);
                mark(blocks[at], sizes[i], at);
            }
            CHECK(frames_free() >= before - 1);
            CHECK(frames_free() <= before);
        }
        CHECK_EQ(frames_without_heap(), before);
        free_in_order(sizes[i], 1);
        CHECK_EQ(frames_without_heap(), free);
    }
}

// No class keeps what another one needs.
TEST(trimming_gives_back_the_frames_of_all_classes)
{
    size_t free   = frames_without_heap();
    size_t before = free, classes = 0;

    for (size_t size = 1; size < SMALL_END; size++) {
        kfree(kmalloc(size));
        if (frames_free() < before)
            classes++;
        before = frames_free();
    }
    CHECK(classes > 10);
    CHECK_EQ(frames_free(), free - classes);
    CHECK_EQ(heap_trim(), classes);
    CHECK_EQ(frames_free(), free);
}

// A full frame that has lost a block comes before an empty one.
TEST(trimming_gives_back_what_stands_behind_others)
{
    size_t free  = frames_without_heap();
    size_t count = layout_of(100).count;

    for (size_t i = 0; i <= count; i++)
        blocks[i] = kmalloc(100);
    kfree(blocks[count]);
    CHECK_EQ(frames_free(), free - 2);
    kfree(blocks[0]);
    CHECK_EQ(heap_trim(), 1);
    CHECK_EQ(frames_free(), free - 1);
    for (size_t i = 1; i < count; i++)
        kfree(blocks[i]);
    CHECK_EQ(frames_without_heap(), free);
}

// What is in use stays.
TEST(trimming_leaves_blocks_alone)
{
    size_t free = frames_without_heap();

    for (int i = 0; i < 300; i++)
        own(50 + i);
    for (int i = 0; i < 100; i++) {
        struct owned *first = owned;

        owned = first->next;
        disown();
        first->next = owned;
        owned       = first;
        heap_trim();
        heap_check();
    }
    disown_all();
    CHECK_EQ(frames_without_heap(), free);
}

// Exhaustion

enum { FEW = 150 };  // frames

// Returns how many frames are in blocks when there are no more.
static size_t use_up(size_t size)
{
    size_t count = own_all(size), left = frames_free();

    CHECK(count > 0);
    CHECK(kmalloc(size) == NULL);
    CHECK(kcalloc(1, size) == NULL);
    CHECK(krealloc(NULL, size) == NULL);
    CHECK_EQ(frames_free(), left);
    CHECK(left <= size / PAGE_SIZE + 3);  // tables
    disown_all();
    return count;
}

TEST(all_memory_can_be_had_and_given_back)
{
    for (int i = 0; i < SIZES; i++) {
        size_t free, count;

        heap_trim();
        take_all_but(FEW);
        count = use_up(sizes[i]);
        free  = frames_without_heap();
        CHECK(free <= FEW);
        CHECK(use_up(sizes[i]) >= count);
        CHECK_EQ(frames_without_heap(), free);
        give_back();
    }
}

// Almost all of it: the header is the only thing that a frame has
// besides blocks.
TEST(no_frame_is_wasted)
{
    size_t count, gap = layout_of(100).gap;

    heap_trim();
    take_all_but(FEW);
    count = own_all(100);
    CHECK_EQ(frames_free(), 0);
    CHECK_EQ(count, FEW * (3808 / gap));
    disown_all();
    give_back();
}

// Blocks of other sizes are free, in frames of their own.
static void check_cure(size_t size, void *(*allocate)(size_t size))
{
    void *block;

    heap_trim();
    kfree(kmalloc(100));
    kfree(kmalloc(300));
    kfree(kmalloc(500));
    take_all_but(0);
    block = allocate(size);
    if (CHECK(block != NULL)) {
        mark(block, size, 3);
        CHECK(is_marked(block, size, 3));
    }
    kfree(block);
    give_back();
    heap_trim();
}

static void *by_calloc(size_t size)
{
    return kcalloc(size, 1);
}

static void *by_realloc(size_t size)
{
    return krealloc(NULL, size);
}

TEST(free_frames_of_other_classes_are_made_use_of)
{
    void *(*const ways[])(size_t size) = {kmalloc, by_calloc,
                                          by_realloc};

    for (int i = 0; i < 3; i++) {
        kfree(kmalloc(4000));  // the tables
        kfree(kmalloc(5000));
        check_cure(16, ways[i]);
        check_cure(1800, ways[i]);
        check_cure(4000, ways[i]);
        check_cure(5000, ways[i]);
    }
}

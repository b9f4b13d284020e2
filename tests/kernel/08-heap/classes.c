// classes.c: small blocks are of a few sizes. Which ones, their
// addresses tell.

#include "slabs.h"

static struct layout layouts[SMALL_END];

static void lay_out(void)
{
    for (size_t size = 0; size < SMALL_END && layouts[size].gap == 0;
         size++)
        layouts[size] = layout_of(size);
}

// The least distance that there is for blocks of any size, if it has
// room for so many bytes.
static size_t best_gap(size_t bytes)
{
    size_t best = PAGE_SIZE;

    for (size_t size = 0; size < SMALL_END; size++)
        if (layouts[size].gap >= bytes && layouts[size].gap < best)
            best = layouts[size].gap;
    return best;
}

TEST(small_blocks_are_in_the_smallest_class_that_fits)
{
    lay_out();
    for (size_t size = 0; size < SMALL_END; size++)
        CHECK_EQ(layouts[size].gap, best_gap(size + OVERHEAD));
}

// None that no size leads to. Room for a note alone is of 32 bytes.
TEST(all_classes_are_made_use_of)
{
    int classes = 1;

    lay_out();
    for (size_t size = 1; size < SMALL_END; size++)
        classes += layouts[size].gap != layouts[size - 1].gap;
    CHECK_EQ(classes, HEAP_DEBUG ? 18 : 19);
}

TEST(a_third_of_a_small_block_is_lost_at_most)
{
    lay_out();
    for (size_t size = 0; size < SMALL_END; size++)
        CHECK(layouts[size].gap <=
              (size + OVERHEAD) * 3 / 2 + UNIT + 1);
}

// With larger ones there would be fewer of them.
TEST(blocks_of_each_class_are_as_large_as_their_number_allows)
{
    lay_out();
    for (size_t size = 0; size < SMALL_END; size++) {
        size_t room = PAGE_SIZE - layouts[size].first;

        CHECK_EQ(layouts[size].count, room / layouts[size].gap);
        CHECK_EQ(layouts[size].gap,
                 align_down(room / layouts[size].count, UNIT));
    }
}

// The header, with its byte for each 16, is all that is lost.
TEST(frames_are_used_from_the_header_on)
{
    lay_out();
    for (size_t size = 0; size < SMALL_END; size++)
        CHECK_EQ(layouts[size].first, 288);
}

TEST(two_in_a_frame_are_small_and_more_has_pages)
{
    struct layout layout = layout_of(SMALL_END - 1);
    void *small = kmalloc(SMALL_END - 1), *large = kmalloc(SMALL_END);

    CHECK_EQ(layout.count, 2);
    CHECK(!has_pages(small));
    CHECK(has_pages(large));
    kfree(small);
    kfree(large);
}

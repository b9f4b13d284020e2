// large.c: blocks of whole pages.

#include "blocks.h"

#include "03-exceptions/captured.h"
#include "05-paging/accesses.h"
#include "05-paging/taken.h"

#include "page_fault.h"
#include "probe.h"

static const size_t sizes[] = {3000,  4096,  4097,   8192,   8193,
                               12288, 16384, 100000, 1000000};

enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static bool can_be_read(const void *address)
{
    uint64_t value;

    return probe_read(address, &value);
}

static size_t pages_of(size_t size)
{
    return align_up(size + HEAP_DEBUG_MARGIN, PAGE_SIZE) / PAGE_SIZE;
}

// All pages are there, the one before and the one behind are not.
static void check_extent(const char *block, size_t size)
{
    for (size_t i = 0; i < pages_of(size); i++)
        CHECK(can_be_read(block + i * PAGE_SIZE));
    CHECK(!can_be_read(block - 8));
    CHECK(!can_be_read(block - PAGE_SIZE));
    CHECK(!can_be_read(block + pages_of(size) * PAGE_SIZE));
}

TEST(no_page_is_mapped_before_and_behind_a_large_block)
{
    idt_init();
    for (int i = 0; i < SIZES; i++) {
        void *blocks[5];

        for (int n = 0; n < 5; n++)
            blocks[n] = kmalloc(sizes[i]);
        for (int n = 0; n < 5; n++)
            check_extent(blocks[n], sizes[i]);
        for (int n = 0; n < 5; n++)
            kfree(blocks[n]);
    }
}

// The first of each order is right behind the last of the order before.
TEST(blocks_of_all_orders_are_apart)
{
    void *blocks[20];

    idt_init();
    for (int i = 0; i < 12; i++) {
        blocks[i] = kmalloc((PAGE_SIZE << i) - HEAP_DEBUG_MARGIN);
        mark(blocks[i], (PAGE_SIZE << i) - HEAP_DEBUG_MARGIN, i);
    }
    for (int i = 0; i < 12; i++) {
        size_t size = (PAGE_SIZE << i) - HEAP_DEBUG_MARGIN;

        check_extent(blocks[i], size);
        CHECK(is_marked(blocks[i], size, i));
        kfree(blocks[i]);
    }
}

TEST(freed_large_blocks_cannot_be_read)
{
    idt_init();
    for (int i = 0; i < SIZES; i++) {
        char *block = kmalloc(sizes[i]);

        mark(block, sizes[i], i);
        kfree(block);
        for (size_t n = 0; n < pages_of(sizes[i]); n++)
            CHECK(!can_be_read(block + n * PAGE_SIZE));
    }
}

TEST(large_blocks_are_data)
{
    char *block = kmalloc(PAGE_SIZE);

    CHECK_EQ(fault_of(write_at, (virt_addr)block), NO_FAULT);
    CHECK_EQ(fault_of(execute_at, (virt_addr)block),
             PF_PRESENT | PF_FETCH);
    kfree(block);
}

static const char *behind;

static void read_behind(void)
{
    *(const volatile char *)behind;
}

TEST(reads_behind_a_large_block_are_told)
{
    char *block = kmalloc(PAGE_SIZE - HEAP_DEBUG_MARGIN);
    const char *told;

    behind = block + PAGE_SIZE;
    told   = captured_report(read_behind);
    CHECK(told && contains(told, ": no block of the heap: it is free, "
                                 "or this is behind its end\n"));
    kfree(block);
}

// So that tables are not needed for more and more addresses.
TEST(lowest_free_address_is_taken_first)
{
    for (int i = 0; i < SIZES; i++) {
        char *a = kmalloc(sizes[i]), *b = kmalloc(sizes[i]);
        char *c = kmalloc(sizes[i]), *d = kmalloc(sizes[i]);

        CHECK(a < b && b < c && c < d);
        CHECK_EQ(c - b, b - a);
        CHECK_EQ(d - c, b - a);
        kfree(a);
        kfree(c);
        CHECK_EQ(kmalloc(sizes[i]), a);
        CHECK_EQ(kmalloc(sizes[i]), c);
        kfree(c);
        kfree(b);
        CHECK_EQ(kmalloc(sizes[i]), b);
        CHECK_EQ(kmalloc(sizes[i]), c);
        kfree(a);
        kfree(b);
        kfree(c);
        CHECK_EQ(kmalloc(sizes[i]), a);
        kfree(a);
        kfree(d);
    }
}

// A slot is less than four times as large as what is in it: the next
// power of 2 that leaves a page free.
TEST(addresses_are_not_wasted)
{
    for (size_t pages = 1; pages < 70; pages++) {
        size_t size = pages * PAGE_SIZE - HEAP_DEBUG_MARGIN;
        char *a = kmalloc(size), *b = kmalloc(size);
        size_t apart = PAGE_SIZE;

        while (apart <= pages * PAGE_SIZE)
            apart *= 2;
        CHECK_EQ(b - a, apart);
        kfree(a);
        kfree(b);
    }
}

TEST(block_of_many_mib)
{
    enum { MIB = 60 << 20 };
    size_t free = 0;

    for (int round = 0; round < 2; round++) {
        char *block = kmalloc(MIB);

        CHECK(block != NULL);
        for (size_t at = 0; at < MIB; at += PAGE_SIZE)
            *(uint64_t *)(block + at) = at;
        for (size_t at = 0; at < MIB; at += PAGE_SIZE)
            CHECK_EQ(*(uint64_t *)(block + at), at);
        if (round == 0) {
            // No table of the large part is given back.
            free = frames_without_heap() + pages_of(MIB);
            CHECK(frames_free() <= free - pages_of(MIB));
        }
        kfree(block);
    }
    CHECK_EQ(frames_without_heap(), free);
}

// Tables

// Blocks of a page until one needed a table for its address, and as
// many as that table has room for: the next one needs a table again.
static void fill_tables(void)
{
    size_t before;

    do {
        before = frames_free();
        own(PAGE_SIZE - HEAP_DEBUG_MARGIN);
    } while (frames_free() == before - 1);
    while (((virt_addr)owned + 2 * PAGE_SIZE) % LARGE_PAGE_SIZE != 0)
        own(PAGE_SIZE - HEAP_DEBUG_MARGIN);
}

// A frame for the page, and none for its table.
TEST(block_without_a_table_is_null)
{
    virt_addr next;

    heap_trim();
    fill_tables();
    next = (virt_addr)owned + 2 * PAGE_SIZE;
    take_all_but(1);
    for (int i = 0; i < 3; i++)
        CHECK(!own(PAGE_SIZE - HEAP_DEBUG_MARGIN));
    CHECK_EQ(frames_free(), 1);
    give_back();
    CHECK(own(PAGE_SIZE - HEAP_DEBUG_MARGIN));
    CHECK_EQ(owned, next);
    disown_all();
}

// Two tables are needed for its 600 pages, and no other test has blocks
// of 2 to 4 MiB at this place. So its frames are enough until the end.
TEST(block_that_is_almost_whole_is_given_back)
{
    enum { PAGES = 600 };
    size_t size = PAGES * PAGE_SIZE - HEAP_DEBUG_MARGIN, left, tables;
    virt_addr place = LARGE_BLOCKS + (10ul << 40);
    void *block;

    heap_trim();
    idt_init();
    take_all_but(PAGES);
    block  = kmalloc(size);
    left   = frames_free();
    tables = PAGES - left;
    CHECK(block == NULL);
    CHECK(tables > 0 && tables <= 4);
    CHECK(kmalloc(size) == NULL);
    CHECK_EQ(frames_free(), left);
    for (int i = 0; i < PAGES; i++)
        CHECK(!can_be_read((char *)place + i * PAGE_SIZE));
    give_back();
    block = kmalloc(size);
    CHECK_EQ(block, place);
    mark(block, size, 1);
    kfree(block);
}

// One frame too few, and all tables are there.
TEST(large_block_of_all_frames)
{
    enum { PAGES = 40 };
    size_t size = PAGES * PAGE_SIZE - HEAP_DEBUG_MARGIN;
    void *block;

    kfree(kmalloc(size));
    heap_trim();
    take_all_but(PAGES - 1);
    CHECK(kmalloc(size) == NULL);
    CHECK_EQ(frames_free(), PAGES - 1);
    give_back();
    take_all_but(PAGES);
    block = kmalloc(size);
    CHECK(block != NULL);
    CHECK_EQ(frames_free(), 0);
    kfree(block);
    CHECK_EQ(frames_free(), PAGES);
    give_back();
}

// random.c: a million operations at random, and a model that knows what
// has to come of them.

#include "blocks.h"

enum {
    OPERATIONS = 1000000,
    OWNERS     = 500,
    LARGE_MOST = 200000,  // bytes
};

static struct {
    void *block;
    size_t size;
    uint64_t tag;
} owners[OWNERS];

static uint64_t state;

// G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8.
static uint64_t drawn(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % below;
}

// Most blocks are small.
static size_t draw_size(void)
{
    uint64_t kind = drawn(1000);

    if (kind < 700)
        return drawn(129);
    if (kind < 950)
        return drawn(1025);
    if (kind < 990)
        return drawn(5000);
    return kind < 999 ? drawn(20000) : drawn(LARGE_MOST);
}

// All marks of some blocks, and one at each end of the others.
static bool is_well(const void *block, size_t size, uint64_t tag)
{
    if (size <= 64 || drawn(8) == 0)
        return is_marked(block, size, tag);
    return begins_marked(block, UNIT, size, tag) &&
           ((const uint8_t *)block)[size - 1] == (uint8_t)tag;
}

static bool is_zero(const uint64_t *words, size_t size)
{
    for (size_t i = 0; i < size / sizeof(*words); i += 4)
        if (words[i] != 0)
            return false;
    return true;
}

static void *allocate(size_t size)
{
    void *block;

    if (drawn(8) > 0)
        return kmalloc(size);
    block = kcalloc(size, 1);
    CHECK(block && is_zero(block, size));
    return block;
}

static void *reallocate(int owner, size_t size)
{
    size_t had  = owners[owner].size;
    void *block = krealloc(owners[owner].block, size);

    CHECK(begins_marked(block, had < size ? had : size, had,
                        owners[owner].tag));
    return block;
}

static void give_away(int owner, void *block, size_t size)
{
    CHECK(block != NULL);
    CHECK_EQ((virt_addr)block % UNIT, 0);
    owners[owner].block = block;
    owners[owner].size  = size;
    owners[owner].tag   = drawn(UINT64_MAX);
    mark(block, size, owners[owner].tag);
}

static void free_block(int owner)
{
    CHECK(is_well(owners[owner].block, owners[owner].size,
                  owners[owner].tag));
    kfree(owners[owner].block);
    owners[owner].block = NULL;
}

static void operate(void)
{
    int owner = drawn(OWNERS);

    if (!owners[owner].block) {
        size_t size = draw_size();

        give_away(owner, allocate(size), size);
    } else if (drawn(4) > 0) {
        free_block(owner);
    } else {
        size_t size = draw_size();

        give_away(owner, reallocate(owner, size), size);
    }
}

// The same each time.
static void operate_often(void)
{
    state = 88172645463325252;
    for (int i = 0; i < OPERATIONS / 2; i++) {
        operate();
        if (i % 10000 == 0)
            heap_trim();
        if (i % 100000 == 0)
            heap_check();
    }
    for (int i = 0; i < OWNERS; i++)
        if (owners[i].block)
            free_block(i);
}

// What is lost, the first time, are tables, for large blocks: OWNERS of
// them at most, so that a slot of an order of n pages is below n times
// OWNERS pages. The orders have up to 64 pages, which is more than
// LARGE_MOST. Each needs a table of the third level and one of the
// second; and of the first level, one for each 512 pages.
TEST(a_million_operations_at_random)
{
    enum {
        ORDERS = 6,
        PAGES  = (2 + 4 + 8 + 16 + 32 + 64) * OWNERS,
        TABLES = PAGES / 512 + ORDERS * 3,
    };
    size_t free = frames_without_heap(), then;

    operate_often();
    then = frames_without_heap();
    CHECK(free - then <= TABLES);
    operate_often();
    CHECK_EQ(frames_without_heap(), then);
}

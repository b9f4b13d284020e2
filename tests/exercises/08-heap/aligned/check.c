// check.c: blocks at multiples of all kinds, among others.

#include "../../07-interrupts/stepped.h"
#include "../../escaped.h"
#include "05-paging/taken.h"

#include "frames.h"
#include "heap.h"
#include "interrupts.h"
#include "memory.h"

enum { MOST = 1200, CHOICES = 13 };  // alignments of 1 to 4096

static struct block {
    uint8_t *bytes;
    size_t size;
    uint8_t tag;
} blocks[MOST];

static uint64_t random(void)
{
    static uint64_t state = 88172645463325252;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void fill(struct block *block)
{
    static uint8_t tag;

    block->tag = ++tag;
    memset(block->bytes, block->tag, block->size);
}

static bool is_filled(const struct block *block, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (block->bytes[i] != block->tag)
            return false;
    return true;
}

static void get(struct block *block, size_t size, size_t alignment)
{
    block->bytes = kmalloc_aligned(size, alignment);
    block->size  = size;
    CHECK(block->bytes != NULL);
    if (!CHECK_EQ((virt_addr)block->bytes % alignment, 0))
        CHECK_EQ(alignment, 0);  // tells which
    if (block->bytes)
        fill(block);
}

static void drop(struct block *block)
{
    if (!CHECK(is_filled(block, block->size)))
        CHECK_EQ(block->size, 0);  // tells which
    kfree(block->bytes);
    *block = (struct block){0};
}

static void drop_all(void)
{
    for (int i = 0; i < MOST; i++)
        if (blocks[i].bytes)
            drop(&blocks[i]);
}

static size_t frames_without_heap(void)
{
    heap_trim();
    return frames_free();
}

// Two of the same kind, one of them from kmalloc, and the same again.
static void check_alignment(size_t size, size_t alignment)
{
    for (int i = 0; i < 6; i++)
        get(&blocks[i], size, i % 3 == 2 ? 1 : alignment);
    drop(&blocks[1]);
    drop(&blocks[2]);
    get(&blocks[2], size, alignment);
    get(&blocks[1], size, alignment);
    drop_all();
}

TEST(blocks_of_all_sizes)
{
    for (int i = 0; i < CHOICES; i++) {
        for (size_t size = 0; size <= 2200; size += 1 + size / 24)
            check_alignment(size, 1ul << i);
        check_alignment(4096 - 16, 1ul << i);
        check_alignment(4096, 1ul << i);
        check_alignment(4097, 1ul << i);
        check_alignment(30000, 1ul << i);
    }
}

TEST(first_of_a_frame_and_last_one)
{
    for (int i = 0; i < CHOICES; i++) {
        for (int k = 0; k < 300; k++)
            get(&blocks[k], 40, 1ul << i);
        for (int k = 0; k < 300; k += 2)
            drop(&blocks[k]);
        for (int k = 0; k < 300; k += 2)
            get(&blocks[k], 40, 1ul << i);
        drop_all();
    }
}

static void resize(struct block *block, size_t size)
{
    size_t kept  = size < block->size ? size : block->size;
    void *before = block->bytes;

    CHECK(is_filled(block, block->size));
    block->bytes = krealloc(before, size);
    CHECK(block->bytes != NULL);
    CHECK(is_filled(block, kept));
    block->size = size;
    fill(block);
}

static size_t random_size(void)
{
    return random() % (random() % 4 == 0 ? 9000 : 600);
}

static void do_anything(struct block *block)
{
    if (!block->bytes)
        get(block, random_size(), 1ul << random() % CHOICES);
    else if (random() % 3 == 0)
        resize(block, random_size());
    else
        drop(block);
}

// Some frames become page tables for large blocks, and stay it.
TEST(random_blocks_keep_what_they_hold)
{
    enum { TABLES = 40 };
    size_t before = frames_without_heap();

    for (int i = 0; i < 60000; i++)
        do_anything(&blocks[random() % 300]);
    drop_all();
    CHECK(frames_without_heap() + TABLES >= before);
}

// A block may not use what is in front of it.
TEST(larger_by_a_little)
{
    for (int i = 0; i < CHOICES; i++)
        for (size_t more = 0; more < 2100; more += 12) {
            for (int k = 0; k < 3; k++)
                get(&blocks[k], 24, 1ul << i);
            resize(&blocks[1], 24 + more);
            drop_all();
        }
}

static size_t frames_for(int count, size_t size, size_t alignment)
{
    size_t before = frames_without_heap(), frames;

    for (int i = 0; i < count; i++)
        get(&blocks[i], size, alignment);
    frames = before - frames_free();
    drop_all();
    CHECK_EQ(frames_without_heap(), before);
    return frames;
}

TEST(small_blocks_share_frames)
{
    CHECK(frames_for(1000, 64, 64) <= 40);
    CHECK(frames_for(1000, 20, 32) <= 40);
    CHECK(frames_for(1000, 200, 256) <= 200);
    CHECK(frames_for(300, 500, 512) <= 120);
}

TEST(multiples_of_16_cost_nothing)
{
    for (size_t alignment = 1; alignment <= 16; alignment *= 2) {
        CHECK(frames_for(1000, 64, alignment) <= 17);
        CHECK(frames_for(300, 1000, alignment) <= 100);
    }
}

TEST(what_is_too_much_is_not_there)
{
    size_t before = frames_without_heap();

    for (int i = 0; i < CHOICES; i++) {
        for (size_t less = 0; less < 5000; less += 5)
            CHECK(!kmalloc_aligned(SIZE_MAX - less, 1ul << i));
        CHECK(!kmalloc_aligned(1ul << 50, 1ul << i));
    }
    CHECK_EQ(frames_without_heap(), before);
}

// All of memory, in a list.
static void exhaust(size_t size, size_t alignment)
{
    void **list = NULL, **block;

    while ((block = kmalloc_aligned(size, alignment))) {
        *block = list;
        list   = block;
    }
    while ((block = list)) {
        list = *block;
        kfree(block);
    }
}

// Page tables stay: those for large blocks are all there the second
// time.
TEST(nothing_is_lost_when_memory_is_out)
{
    size_t before;

    take_all_but(2000);
    exhaust(2000, PAGE_SIZE);
    before = frames_without_heap();
    for (int i = 0; i < CHOICES; i++) {
        exhaust(600, 1ul << i);
        CHECK_EQ(frames_without_heap(), before);
    }
    exhaust(2000, PAGE_SIZE);
    CHECK_EQ(frames_without_heap(), before);
    give_back();
}

// Between any two instructions a handler allocates, and frees what it
// has allocated before.
static struct block handlers[8];

static bool interrupt(struct trap_frame *frame)
{
    struct block *block = &handlers[random() % 8];

    if (!(frame->rflags & RFLAGS_IF))
        return true;
    if (block->bytes)
        drop(block);
    else
        get(block, 40, random() % 2 ? 64 : 16);
    return true;
}

static uint64_t allocate(void *alignment)
{
    return (uint64_t)kmalloc_aligned(40, (size_t)alignment);
}

static uint64_t free_block(void *block)
{
    kfree(block);
    return 0;
}

static void allocate_and_free(void)
{
    struct block mine[6];
    uint64_t value;

    for (int i = 0; i < 6; i++) {
        CHECK(stepped_run(allocate, (void *)64, &value));
        CHECK_EQ(value % 64, 0);
        mine[i].bytes = (uint8_t *)value;
        mine[i].size  = 40;
        fill(&mine[i]);
    }
    for (int i = 0; i < 6; i++) {
        CHECK(is_filled(&mine[i], 40));
        CHECK(stepped_run(free_block, mine[i].bytes, &value));
    }
}

TEST(handlers_allocate_too)
{
    size_t before = frames_without_heap();

    idt_init();
    interrupts_init();
    stepped.step = interrupt;
    sti();
    for (int i = 0; i < 10; i++)
        allocate_and_free();
    cli();
    for (int i = 0; i < 8; i++)
        if (handlers[i].bytes)
            drop(&handlers[i]);
    CHECK_EQ(frames_without_heap(), before);
}

// The frames stay: there are other blocks in them. Few of these begin
// where a block of kmalloc would.
TEST(freeing_twice_is_a_mistake)
{
    void *kept[8];

    for (int i = 0; i < 8; i++)
        kept[i] = kmalloc_aligned(40, 1024);
    CHECK_PANICS(kfree(kept[3]); kfree(kept[3]));
}

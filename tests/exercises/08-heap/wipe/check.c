// check.c: no byte of a block outlives it, and no other is touched. The
// frames of a large block are looked at when nobody has them.

#include "../../07-interrupts/stepped.h"
#include "../../escaped.h"

#include "frames.h"
#include "heap.h"
#include "interrupts.h"
#include "paging.h"

enum {
    LARGEST_SMALL = 1904,
    MOST_PAGES    = 6,
    LINK          = sizeof(phys_addr),  // frame_free writes one
    SECRET        = 0x5e,
    THEIRS        = 0x77,
};

static bool holds(const void *block, size_t size, uint8_t what)
{
    const volatile uint8_t *bytes = block;

    for (size_t i = 0; i < size; i++)
        if (bytes[i] != what)
            return false;
    return true;
}

static void *new_block(size_t size)
{
    return memset(kmalloc(size), SECRET, size);
}

// Frees a block between two others.
static void check_small(size_t size)
{
    void *blocks[3];

    for (int i = 0; i < 3; i++)
        blocks[i] = new_block(size);
    kfree(blocks[1]);
    if (!CHECK(holds(blocks[1], size, 0)))
        CHECK_EQ(size, 0);  // tells which
    CHECK(holds(blocks[0], size, SECRET));
    CHECK(holds(blocks[2], size, SECRET));
    kfree(blocks[0]);
    kfree(blocks[2]);
}

TEST(small_blocks_are_wiped)
{
    for (size_t size = 1; size <= LARGEST_SMALL; size++)
        check_small(size);
}

// Large blocks

static phys_addr frames[MOST_PAGES];

static size_t pages_of(size_t size)
{
    return (size - 1) / PAGE_SIZE + 1;
}

static void find_frames(const void *block, size_t size)
{
    for (size_t i = 0; i < pages_of(size); i++)
        page_translate(&kernel_space, (virt_addr)block + i * PAGE_SIZE,
                       &frames[i]);
}

static void check_frames(size_t size)
{
    for (size_t i = 0; i < pages_of(size); i++) {
        const char *bytes = direct_map(frames[i]);

        if (!CHECK(holds(bytes + LINK, PAGE_SIZE - LINK, 0)))
            CHECK_EQ(size, 0);  // tells which
    }
}

TEST(large_blocks_are_wiped)
{
    static const size_t sizes[] = {
        LARGEST_SMALL + 1, 4095, 4096,  4097,
        3 * 4096 - 1,      8200, 20000, MOST_PAGES * 4096,
    };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void *before = new_block(sizes[i]);
        void *block  = new_block(sizes[i]);
        void *behind = new_block(sizes[i]);

        find_frames(block, sizes[i]);
        kfree(block);
        check_frames(sizes[i]);
        CHECK(holds(before, sizes[i], SECRET));
        CHECK(holds(behind, sizes[i], SECRET));
        kfree(before);
        kfree(behind);
    }
}

// krealloc

static void check_moved(size_t from, size_t to)
{
    size_t kept  = from < to ? from : to;
    void *first  = new_block(from);
    void *block  = new_block(from);
    bool is_page = (virt_addr)block % PAGE_SIZE == 0;
    void *other;

    if (is_page)
        find_frames(block, from);
    other = krealloc(block, to);
    CHECK(other != block);
    CHECK(holds(other, kept, SECRET));
    if (is_page)
        check_frames(from);
    else
        CHECK(holds(block, from, 0));
    kfree(other);
    kfree(first);
}

TEST(what_krealloc_leaves_is_wiped)
{
    check_moved(16, 17);
    check_moved(100, 1000);
    check_moved(1000, 100);
    check_moved(1904, 5000);
    check_moved(5000, 100);
    check_moved(4096, 9000);
    check_moved(20000, 4096);
}

TEST(what_krealloc_keeps_is_not)
{
    void *block = new_block(60), *other;

    other = krealloc(block, 64);
    CHECK(other == block);
    CHECK(holds(other, 60, SECRET));
    CHECK(krealloc(other, 1ul << 50) == NULL);
    CHECK(holds(other, 60, SECRET));
    other = krealloc(NULL, 100);
    CHECK(other != NULL);
    kfree(other);
    kfree(block);
}

TEST(null_is_still_no_block)
{
    size_t before = frames_free();

    kfree(NULL);
    CHECK_EQ(frames_free(), before);
}

// As soon as somebody else can get it, it is his: between any two
// instructions of kfree, a handler allocates if it may.
static struct {
    void *block;
    size_t size;
    bool got;
} race;

static bool try_to_get(struct trap_frame *frame)
{
    void *block;

    if (race.got || !(frame->rflags & RFLAGS_IF))
        return true;
    block = kmalloc(race.size);
    if (block == race.block) {
        race.got = true;
        CHECK(holds(block, race.size, 0) || race.size > LARGEST_SMALL);
        memset(block, THEIRS, race.size);
    } else {
        kfree(block);
    }
    return true;
}

static uint64_t give_back(void *block)
{
    kfree(block);
    return 0;
}

static void check_race(size_t size)
{
    uint64_t value;
    void *block = new_block(size);

    race.block = block;
    race.size  = size;
    race.got   = false;
    CHECK(stepped_run(give_back, block, &value));
    if (race.got) {
        CHECK(holds(block, size, THEIRS));
        kfree(block);
    }
}

TEST(what_somebody_else_has_got_is_not_wiped)
{
    void *other;

    idt_init();
    interrupts_init();
    stepped.step = try_to_get;
    sti();
    other = kmalloc(64);  // the frame stays
    check_race(64);
    check_race(40);
    check_race(LARGEST_SMALL + 1);
    kfree(other);
    cli();
}

TEST(what_is_no_block_is_not_wiped)
{
    char *block = new_block(200), *next = new_block(200);

    CHECK_PANICS(kfree(block + 16));
    CHECK(contains(captured.text, "is no block of the heap, but in"));
    CHECK(holds(block, 200, SECRET));
    CHECK(holds(next, 200, SECRET));
}

// check.c: pages all over the lower half come and go. A table is there
// as long as something is mapped by it, and no longer.

#include "03-exceptions/captured.h"

#include "cpu.h"
#include "exceptions.h"
#include "frames.h"
#include "page_fault.h"
#include "paging.h"
#include "probe.h"

#define KIB (1ul << 10)
#define MIB (1ul << 20)
#define GIB (1ul << 30)
#define TIB (1ul << 40)

enum { ENTRIES = 512, LEVELS = 4 };

#define FLAGS (PAGE_WRITABLE | PAGE_NO_EXECUTE)

// Nobody writes to it: it may be anything's.
static const phys_addr large_frame = 32 * MIB;

struct page {
    virt_addr address;
    bool large;
    bool mapped;
};

// In the first and the last entry of tables of each level, and between.
static struct page pages[] = {
    {.address = 0},
    {.address = 4 * KIB},
    {.address = 2 * MIB - 4 * KIB},
    {.address = 2 * MIB},
    {.address = 4 * MIB, .large = true},
    {.address = 6 * MIB},
    {.address = 6 * MIB + 256 * KIB},
    {.address = GIB - 2 * MIB, .large = true},
    {.address = GIB},
    {.address = GIB + 2 * MIB - 4 * KIB},
    {.address = 2 * GIB - 4 * KIB},
    {.address = 7 * GIB, .large = true},
    {.address = 9 * GIB + 40 * MIB, .large = true},
    {.address = 9 * GIB + 42 * MIB, .large = true},
    {.address = TIB / 2 - GIB},
    {.address = TIB / 2 - 2 * MIB, .large = true},
    {.address = TIB / 2},
    {.address = TIB / 2 + 8 * KIB},
    {.address = TIB - 4 * KIB},
    {.address = 5 * TIB + 3 * GIB + 6 * MIB + 28 * KIB},
    {.address = 5 * TIB + 3 * GIB + 8 * MIB, .large = true},
    {.address = 5 * TIB + 511 * GIB + 6 * MIB},
    {.address = 77 * TIB + 100 * GIB, .large = true},
    {.address = 128 * TIB - 512 * GIB},
    {.address = 128 * TIB - 2 * MIB - 4 * KIB},
    {.address = 128 * TIB - 2 * MIB},
    {.address = 128 * TIB - 4 * KIB},
};

enum { COUNT = sizeof(pages) / sizeof(pages[0]) };

static phys_addr frames[COUNT];  // of the pages that are not large

// Is a page mapped that comes before this one, and needs the same
// table? A table is what maps 1 << shift bytes.
static bool has_table_before(int page, int shift)
{
    for (int i = 0; i < page; i++)
        if (pages[i].mapped && shift > (pages[i].large ? 21 : 12) &&
            pages[i].address >> shift == pages[page].address >> shift)
            return true;
    return false;
}

// How many tables the mapped pages need, without the root.
static size_t tables_needed(void)
{
    size_t tables = 0;

    for (int i = 0; i < COUNT; i++)
        for (int shift = 39; shift > 12; shift -= 9)
            if (pages[i].mapped && !(shift == 21 && pages[i].large) &&
                !has_table_before(i, shift))
                tables++;
    return tables;
}

static phys_addr frame_of(int i)
{
    return pages[i].large ? large_frame : frames[i];
}

static bool map(struct address_space *space, int i)
{
    pages[i].mapped = true;
    return pages[i].large
               ? page_map_large(space, pages[i].address, large_frame,
                                FLAGS)
               : page_map(space, pages[i].address, frames[i], FLAGS);
}

static phys_addr unmap(struct address_space *space, int i)
{
    pages[i].mapped = false;
    return page_unmap(space, pages[i].address);
}

static bool is_right(const struct address_space *space, int i)
{
    phys_addr physical;
    bool there = page_translate(space, pages[i].address, &physical);

    return there == pages[i].mapped &&
           (!there || physical == frame_of(i));
}

static void begin(void)
{
    idt_init();
    page_fault_init();
    for (int i = 0; i < COUNT; i++)
        if (frames[i] == 0)
            frames[i] = frame_alloc();
}

// Each page that goes takes with it the tables that no other needs.
// without: how many frames are free when there is none of them.
static void check_unmap(struct address_space *space, int i,
                        size_t without)
{
    CHECK_EQ(unmap(space, i), frame_of(i));
    if (!CHECK_EQ(frames_free(), without - tables_needed()))
        CHECK_EQ(pages[i].address, 0);  // tells which
    for (int k = 0; k < COUNT; k++)
        if (!CHECK(is_right(space, k)))
            CHECK_EQ(pages[k].address, 0);  // tells which
}

// In steps of so many pages; with a step that has no divisor in common
// with COUNT it comes to all.
static void map_and_unmap(struct address_space *space, int step_of_map,
                          int step_of_unmap)
{
    size_t before = frames_free();

    for (int i = 0; i < COUNT; i++)
        CHECK(map(space, i * step_of_map % COUNT));
    CHECK_EQ(frames_free(), before - tables_needed());
    for (int i = 0; i < COUNT; i++)
        check_unmap(space, i * step_of_unmap % COUNT, before);
    CHECK_EQ(frames_free(), before);
}

TEST(each_page_alone)
{
    size_t before;

    begin();
    before = frames_free();
    for (int i = 0; i < COUNT; i++) {
        CHECK(map(&kernel_space, i));
        CHECK(frames_free() < before);
        check_unmap(&kernel_space, i, before);
    }
    CHECK_EQ(frames_free(), before);
}

TEST(all_pages_in_several_orders)
{
    begin();
    map_and_unmap(&kernel_space, 1, 1);
    map_and_unmap(&kernel_space, 1, COUNT - 1);
    map_and_unmap(&kernel_space, COUNT - 1, 5);
    map_and_unmap(&kernel_space, 11, 2);
    map_and_unmap(&kernel_space, 4, 13);
    map_and_unmap(&kernel_space, 7, 17);
}

// Pairs of pages with a table of one level in common. The one that
// stays is in any of its entries.
TEST(entry_that_stays_is_seen)
{
    phys_addr physical;
    size_t before;

    begin();
    for (int shift = 12; shift <= 30; shift += 9) {
        const virt_addr area = 3 * TIB;

        for (uint64_t i = 0; i < ENTRIES; i++) {
            virt_addr stays = area + (i << shift);
            virt_addr goes  = area + ((i + 77) % ENTRIES << shift);

            before = frames_free();
            page_map(&kernel_space, stays, frames[0], FLAGS);
            page_map(&kernel_space, goes, frames[1], FLAGS);
            page_unmap(&kernel_space, goes);
            if (!CHECK(page_translate(&kernel_space, stays, &physical)))
                return;
            page_unmap(&kernel_space, stays);
            if (!CHECK_EQ(frames_free(), before))
                return;
        }
    }
}

// A root of one's own, that the CPU does not know of.
TEST(other_address_space)
{
    struct address_space space;
    size_t before, with_root;
    const uint64_t *root;

    begin();
    before     = frames_free();
    space.root = frame_alloc();
    with_root  = frames_free();
    root       = direct_map(space.root);
    page_clear(direct_map(space.root));
    map_and_unmap(&space, 2, 5);
    CHECK_EQ(frames_free(), with_root);
    for (int i = 0; i < ENTRIES; i++)
        CHECK_EQ(root[i], 0);
    frame_free(space.root);
    CHECK_EQ(frames_free(), before);
}

TEST(hole_is_still_no_page)
{
    size_t before;

    begin();
    before = frames_free();
    CHECK_EQ(page_unmap(&kernel_space, TIB), NO_FRAME);
    CHECK(map(&kernel_space, 5));
    CHECK_EQ(page_unmap(&kernel_space, pages[5].address + PAGE_SIZE),
             NO_FRAME);
    CHECK_EQ(page_unmap(&kernel_space, TIB), NO_FRAME);
    CHECK(is_right(&kernel_space, 5));
    check_unmap(&kernel_space, 5, before);
    CHECK_EQ(page_unmap(&kernel_space, pages[5].address), NO_FRAME);
    CHECK_EQ(frames_free(), before);
}

// Frames that were tables serve as pages, and pages as tables.
TEST(demand_zero_memory_comes_and_goes)
{
    volatile uint64_t *const memory = (volatile uint64_t *)DEMAND_ZERO;
    size_t before;

    begin();
    before = frames_free();
    for (size_t i = 0; i < 2000; i++) {
        size_t at = i % 1000 * (DEMAND_ZERO_SIZE / 1000);
        virt_addr page;

        page = align_down(DEMAND_ZERO + at, PAGE_SIZE);
        CHECK_EQ(memory[(page - DEMAND_ZERO) / sizeof(*memory)], 0);
        memory[(page - DEMAND_ZERO) / sizeof(*memory)] = ~0ul;
        frame_free(page_unmap(&kernel_space, page));
        if (!CHECK_EQ(frames_free(), before))
            break;
    }
}

// What the CPU remembers

static uint64_t *mark(phys_addr frame, uint64_t value)
{
    uint64_t *word = direct_map(frame);

    *word = value;
    return word;
}

TEST(unmapped_page_cannot_be_reached)
{
    uint64_t word = 0;

    begin();
    mark(frames[0], 111);
    mark(frames[1], 222);
    for (int i = 0; i < COUNT; i++) {
        const void *at = (const void *)pages[i].address;

        if (pages[i].large)
            continue;
        page_map(&kernel_space, pages[i].address, frames[0], FLAGS);
        CHECK(probe_read(at, &word));
        CHECK_EQ(word, 111);
        page_unmap(&kernel_space, pages[i].address);
        CHECK(!probe_read(at, &word));
        page_map(&kernel_space, pages[i].address, frames[1], FLAGS);
        CHECK(probe_read(at, &word));
        CHECK_EQ(word, 222);
        page_unmap(&kernel_space, pages[i].address);
        CHECK(!probe_read(at, &word));
    }
}

TEST(unmapped_large_page_cannot_be_reached)
{
    uint64_t word;

    begin();
    for (int i = 0; i < COUNT; i++) {
        const void *at = (const void *)(pages[i].address + MIB);

        if (!pages[i].large)
            continue;
        map(&kernel_space, i);
        CHECK(probe_read(at, &word));
        unmap(&kernel_space, i);
        CHECK(!probe_read(at, &word));
    }
}

// A CPU keeps entries that lead to tables, too, in its paging-structure
// caches, and QEMU does not: so page_unmap is watched step by step. A
// table may be given back, and with that written to, when no entry
// leads to it any longer and the CPU has been told since. Any invlpg
// tells it about all tables. Intel SDM volume 3A, "Invalidation of TLBs
// and Paging-Structure Caches".
static struct {
    const volatile uint64_t *path[LEVELS];  // from the root down
    int length;
    int cut;          // how many of them are out of reach
    bool told;        // since it was cut there
    size_t free;      // frames
    size_t returned;  // tables that were given back
    bool too_early;
} watched;

// The entries that lead to a page.
static void find_path(virt_addr page)
{
    phys_addr table = read_cr3() & PAGE_ADDRESS;
    uint64_t *entry;

    watched.length = 0;
    for (int shift = 39; shift >= 12; shift -= 9) {
        entry =
            (uint64_t *)direct_map(table) + (page >> shift) % ENTRIES;
        watched.path[watched.length++] = entry;
        if (!(*entry & PAGE_PRESENT) || *entry & PAGE_LARGE)
            break;
        table = *entry & PAGE_ADDRESS;
    }
}

static int cut_now(void)
{
    for (int i = 0; i < watched.length; i++)
        if (!(*watched.path[i] & PAGE_PRESENT))
            return watched.length - i;
    return 0;
}

// Is it invlpg, or a load of CR3?
static bool tells_cpu(const uint8_t *code)
{
    if (code[0] >> 4 == 4)  // a REX prefix
        code++;
    return code[0] == 0x0f &&
           ((code[1] == 0x01 && code[2] >> 6 != 3 &&
             (code[2] >> 3 & 7) == 7) ||
            (code[1] == 0x22 && (code[2] >> 3 & 7) == 3));
}

// Before each instruction. The page itself is the lowest on the path,
// and no table.
static void step(struct trap_frame *frame)
{
    int cut     = cut_now();
    size_t free = frames_free();

    if (cut > watched.cut) {
        watched.cut  = cut;
        watched.told = false;
    }
    if (free != watched.free) {
        watched.returned += free - watched.free;
        watched.free = free;
        if (!watched.told || watched.returned + 1 > (size_t)watched.cut)
            watched.too_early = true;
    }
    if (tells_cpu((const uint8_t *)frame->rip))
        watched.told = true;
}

static void watch_unmap(virt_addr page, size_t tables)
{
    find_path(page);
    watched.cut       = 0;
    watched.told      = false;
    watched.free      = frames_free();
    watched.returned  = 0;
    watched.too_early = false;
    exception_set_handler(EXC_DEBUG, step);
    write_rflags(read_rflags() | RFLAGS_TF);
    page_unmap(&kernel_space, page);
    write_rflags(read_rflags() & ~(uint64_t)RFLAGS_TF);
    exception_set_handler(EXC_DEBUG, NULL);
    CHECK_EQ(watched.returned, tables);
    CHECK(watched.told);
    CHECK(!watched.too_early);
}

TEST(cpu_is_told_before_a_table_is_given_back)
{
    const virt_addr page = 9 * TIB + 5 * GIB + 10 * MIB + 12 * KIB;
    const virt_addr large_page = page + 2 * GIB - 12 * KIB;

    begin();
    page_map(&kernel_space, page, frames[0], FLAGS);
    watch_unmap(page, 3);
    page_map_large(&kernel_space, large_page, large_frame, FLAGS);
    watch_unmap(large_page, 2);
    page_map(&kernel_space, page, frames[0], FLAGS);
    page_map(&kernel_space, page + 4 * KIB, frames[1], FLAGS);
    page_map(&kernel_space, page + 2 * MIB, frames[2], FLAGS);
    watch_unmap(page + 4 * KIB, 0);
    watch_unmap(page, 1);
    page_unmap(&kernel_space, page + 2 * MIB);
}

// paging.c: pages are mapped, changed and unmapped, and the CPU obeys.

#include "accesses.h"
#include "taken.h"

#include "direct_map.h"
#include "page_fault.h"

#define GIB        (1ul << 30)
#define NOT_IN_USE (1ul << 62)  // no kernel maps this frame
#define READ_ONLY  PAGE_NO_EXECUTE
#define READ_WRITE (PAGE_WRITABLE | PAGE_NO_EXECUTE)

// At both ends of the tables of each level, in the lower half.
static const virt_addr pages[] = {
    0x1000,       0x1ff000,       0x200000,       0x3ffff000,
    0x40000000,   0x7fbffff000,   0x7fffe00000,   0x7ffffff000,
    0x8000000000, 0x123456789000, 0x7fffffe00000, 0x7ffffffff000,
};

enum { PAGES = sizeof(pages) / sizeof(pages[0]) };

static phys_addr physical_of(const struct address_space *space,
                             virt_addr address)
{
    phys_addr physical = 1;  // no page begins there

    return page_translate(space, address, &physical) ? physical
                                                     : NO_FRAME;
}

static bool is_mapped(virt_addr address)
{
    return physical_of(&kernel_space, address) != NO_FRAME;
}

TEST(pages_lead_to_their_frames)
{
    static phys_addr frames[PAGES];

    for (int i = 0; i < PAGES; i++) {
        frames[i]                          = frame_alloc();
        *(uint64_t *)direct_map(frames[i]) = i;
        CHECK(!is_mapped(pages[i]));
        CHECK(page_map(&kernel_space, pages[i], frames[i], READ_WRITE));
    }
    for (int i = 0; i < PAGES; i++) {
        volatile uint64_t *page = (volatile uint64_t *)pages[i];

        CHECK_EQ(page[0], i);
        page[511] = i;
        CHECK_EQ(((uint64_t *)direct_map(frames[i]))[511], i);
    }
    for (int i = 0; i < PAGES; i++) {
        CHECK_EQ(page_unmap(&kernel_space, pages[i]), frames[i]);
        CHECK(!is_mapped(pages[i]));
        CHECK_EQ(fault_of(read_at, pages[i]), 0);
        frame_free(frames[i]);
    }
}

TEST(neighbors_are_left_alone)
{
    phys_addr frame = frame_alloc();

    page_map(&kernel_space, 0x555555000, frame, READ_WRITE);
    for (int shift = 12; shift < 47; shift++)
        CHECK(!is_mapped(0x555555000 ^ 1ul << shift));
    page_unmap(&kernel_space, 0x555555000);
    frame_free(frame);
}

TEST(offset_is_kept)
{
    page_map(&kernel_space, 0x40000000, 0x123456000, READ_ONLY);
    CHECK_EQ(physical_of(&kernel_space, 0x40000000), 0x123456000);
    CHECK_EQ(physical_of(&kernel_space, 0x40000001), 0x123456001);
    CHECK_EQ(physical_of(&kernel_space, 0x40000fff), 0x123456fff);
    CHECK(!is_mapped(0x40001000));
    CHECK(!is_mapped(0x3fffffff));
    CHECK_EQ(page_unmap(&kernel_space, 0x40000000), 0x123456000);
}

TEST(frames_of_all_52_bits_are_kept)
{
    const phys_addr frame = 0xffffffffff000;

    page_map(&kernel_space, 0x40000000, frame, READ_ONLY);
    CHECK_EQ(physical_of(&kernel_space, 0x40000fff), frame + 0xfff);
    CHECK(page_protect(&kernel_space, 0x40000000, READ_WRITE));
    CHECK_EQ(page_unmap(&kernel_space, 0x40000000), frame);
}

TEST(kernel_is_where_it_was_linked)
{
    CHECK_EQ(physical_of(&kernel_space, (virt_addr)pages),
             image_address(pages));
    CHECK_EQ(physical_of(&kernel_space, DIRECT_MAP + 0xb8123), 0xb8123);
}

// Large pages

TEST(large_pages_keep_an_offset_of_21_bits)
{
    const virt_addr page  = 3 * GIB + LARGE_PAGE_SIZE;
    const phys_addr frame = 0x7ffe00000;

    CHECK(page_map_large(&kernel_space, page, frame, READ_ONLY));
    for (int shift = 0; shift < 21; shift++)
        CHECK_EQ(physical_of(&kernel_space, page + (1ul << shift)),
                 frame + (1ul << shift));
    CHECK_EQ(physical_of(&kernel_space, page + 0x1fffff),
             frame + 0x1fffff);
    CHECK(!is_mapped(page - 1));
    CHECK(!is_mapped(page + LARGE_PAGE_SIZE));
    CHECK_EQ(page_unmap(&kernel_space, page), frame);
    CHECK(!is_mapped(page));
}

TEST(large_pages_lead_to_memory)
{
    const virt_addr page = 5 * GIB;
    phys_addr frame      = frame_alloc();
    phys_addr large      = align_down(frame, LARGE_PAGE_SIZE);
    virt_addr there      = page + frame - large;

    CHECK(page_map_large(&kernel_space, page, large, READ_WRITE));
    *(volatile uint64_t *)there = 77;
    CHECK_EQ(*(uint64_t *)direct_map(frame), 77);
    CHECK_EQ(fault_of(execute_at, there), PF_PRESENT | PF_FETCH);
    CHECK(page_protect(&kernel_space, page, READ_ONLY));
    CHECK_EQ(fault_of(write_at, there), PF_PRESENT | PF_WRITE);
    CHECK_EQ(*(volatile uint64_t *)there, 77);
    CHECK_EQ(physical_of(&kernel_space, there), frame);
    CHECK_EQ(page_unmap(&kernel_space, page), large);
    CHECK_EQ(fault_of(read_at, there), 0);
    frame_free(frame);
}

// A small page can be mapped where a large one has been.
TEST(large_page_makes_room_for_small_ones)
{
    CHECK(page_map_large(&kernel_space, 7 * GIB, 0, READ_ONLY));
    page_unmap(&kernel_space, 7 * GIB);
    CHECK(page_map(&kernel_space, 7 * GIB, 0x5000, READ_ONLY));
    CHECK_EQ(physical_of(&kernel_space, 7 * GIB), 0x5000);
    CHECK(!is_mapped(7 * GIB + PAGE_SIZE));
    page_unmap(&kernel_space, 7 * GIB);
}

// What is not there

TEST(what_is_not_mapped_is_not_changed)
{
    CHECK_EQ(page_unmap(&kernel_space, 0x654321000), NO_FRAME);
    CHECK(!page_protect(&kernel_space, 0x654321000, READ_WRITE));
    CHECK(!is_mapped(0x654321000));
    page_map(&kernel_space, 0x654321000, 0x5000, READ_ONLY);
    page_unmap(&kernel_space, 0x654321000);
    CHECK_EQ(page_unmap(&kernel_space, 0x654321000), NO_FRAME);
    CHECK(!page_protect(&kernel_space, 0x654321000, READ_WRITE));
    CHECK(!is_mapped(0x654321000));
}

// Their bits 47 to 12 are those of pages that exist.
TEST(non_canonical_addresses_are_not_mapped)
{
    const virt_addr page = 0x123456000;

    page_map(&kernel_space, page, 0x5000, READ_ONLY);
    for (int bit = 48; bit < 64; bit++) {
        CHECK(!is_mapped(page | 1ul << bit));
        CHECK(!is_mapped((virt_addr)pages ^ 1ul << bit));
    }
    CHECK(!is_mapped(page | 0xfffful << 48));
    CHECK(!is_mapped((virt_addr)pages & ~(0xfffful << 48)));
    CHECK(!is_mapped(1ul << 47));
    CHECK(!is_mapped(0xffff7ffffffff000));
    page_unmap(&kernel_space, page);
}

// Rights

static phys_addr map_code(virt_addr page, uint64_t flags)
{
    phys_addr frame = frame_alloc();

    *(uint8_t *)direct_map(frame) = RET;
    CHECK(page_map(&kernel_space, page, frame, flags));
    return frame;
}

static void check_accesses(virt_addr page, uint64_t flags)
{
    CHECK_EQ(fault_of(read_at, page), NO_FAULT);
    CHECK_EQ(fault_of(write_at, page),
             flags & PAGE_WRITABLE ? NO_FAULT : PF_PRESENT | PF_WRITE);
    CHECK_EQ(fault_of(execute_at, page), flags & PAGE_NO_EXECUTE
                                             ? PF_PRESENT | PF_FETCH
                                             : NO_FAULT);
}

static const uint64_t all_flags[] = {
    0,
    PAGE_WRITABLE,
    PAGE_NO_EXECUTE,
    PAGE_WRITABLE | PAGE_NO_EXECUTE,
};

TEST(pages_have_the_rights_they_are_mapped_with)
{
    for (int i = 0; i < 4; i++) {
        virt_addr page  = GIB + i * PAGE_SIZE;
        phys_addr frame = map_code(page, all_flags[i]);

        check_accesses(page, all_flags[i]);
        page_unmap(&kernel_space, page);
        frame_free(frame);
    }
}

// The CPU may remember what the accesses before a change have shown.
TEST(pages_have_the_rights_they_were_given_last)
{
    phys_addr frame = map_code(GIB, READ_WRITE);

    for (int i = 0; i < 16; i++) {
        CHECK(page_protect(&kernel_space, GIB, all_flags[i / 4]));
        check_accesses(GIB, all_flags[i / 4]);
        CHECK(page_protect(&kernel_space, GIB, all_flags[i % 4]));
        check_accesses(GIB, all_flags[i % 4]);
        CHECK_EQ(physical_of(&kernel_space, GIB), frame);
    }
    page_unmap(&kernel_space, GIB);
    frame_free(frame);
}

TEST(page_that_was_read_is_gone_at_once)
{
    phys_addr frame = map_code(GIB, READ_WRITE);

    CHECK_EQ(fault_of(write_at, GIB), NO_FAULT);
    page_unmap(&kernel_space, GIB);
    CHECK_EQ(fault_of(read_at, GIB), 0);
    CHECK_EQ(fault_of(write_at, GIB), PF_WRITE);
    frame_free(frame);
}

TEST(page_that_was_read_leads_elsewhere_at_once)
{
    volatile uint64_t *page = (volatile uint64_t *)GIB;
    phys_addr a = frame_alloc(), b = frame_alloc();

    *(uint64_t *)direct_map(a) = 1;
    *(uint64_t *)direct_map(b) = 2;
    for (int i = 0; i < 10; i++) {
        page_map(&kernel_space, GIB, a, READ_WRITE);
        CHECK_EQ(*page, 1);
        CHECK_EQ(page_unmap(&kernel_space, GIB), a);
        page_map(&kernel_space, GIB, b, READ_WRITE);
        CHECK_EQ(*page, 2);
        CHECK_EQ(page_unmap(&kernel_space, GIB), b);
    }
    frame_free(a);
    frame_free(b);
}

// Without memory

TEST(tables_that_cannot_be_made_are_told)
{
    const virt_addr page = 0x313131313000;  // three tables are missing
    size_t free          = frames_free();

    for (size_t left = 0; left < 3; left++) {
        struct address_space space = {frame_alloc()};

        page_clear(direct_map(space.root));
        take_all_but(left);
        CHECK(!page_map(&space, page, 0x5000, READ_ONLY));
        CHECK_EQ(frames_free(), 0);
        CHECK_EQ(physical_of(&space, page), NO_FRAME);
        CHECK_EQ(page_unmap(&space, page), NO_FRAME);
        give_back();

        take_all_but(3 - left);
        CHECK(page_map(&space, page, 0x5000, READ_ONLY));
        CHECK_EQ(frames_free(), 0);
        CHECK_EQ(physical_of(&space, page), 0x5000);
        CHECK(page_map(&space, page + PAGE_SIZE, 0x6000, READ_ONLY));
        give_back();
        CHECK_EQ(frames_free(), free - 4);
        free -= 4;
    }
}

TEST(large_pages_take_one_table_less)
{
    struct address_space space = {frame_alloc()};

    page_clear(direct_map(space.root));
    take_all_but(1);
    CHECK(!page_map_large(&space, GIB, 0, READ_ONLY));
    give_back();
    take_all_but(1);
    CHECK(page_map_large(&space, GIB, 0, READ_ONLY));
    CHECK_EQ(frames_free(), 0);
    CHECK(page_map_large(&space, GIB + LARGE_PAGE_SIZE, 0, READ_ONLY));
    give_back();
}

// Tables may be made of memory that has held anything.
TEST(tables_are_empty_at_first)
{
    struct address_space space = {frame_alloc()};
    phys_addr frames[3];

    page_clear(direct_map(space.root));
    for (int i = 0; i < 3; i++) {
        frames[i] = frame_alloc();
        for (int n = 0; n < PAGE_SIZE / 8; n++)
            ((uint64_t *)direct_map(frames[i]))[n] = ~0ul;
    }
    for (int i = 0; i < 3; i++)
        frame_free(frames[i]);
    take_all_but(3);
    give_back();
    CHECK(page_map(&space, 5 * GIB, 0x5000, READ_ONLY));
    for (int shift = 12; shift < 47; shift++)
        CHECK_EQ(physical_of(&space, 5 * GIB ^ 1ul << shift), NO_FRAME);
}

// Other address spaces

static void write_root(phys_addr root)
{
    write_cr3(root);
}

static struct address_space second_space(void)
{
    struct address_space space = {frame_alloc()};
    uint64_t *root             = direct_map(space.root);

    page_clear(root);
    root[511] = ((uint64_t *)direct_map(kernel_space.root))[511];
    direct_map_enter(&space);
    return space;
}

TEST(address_spaces_are_apart)
{
    volatile uint64_t *page    = (volatile uint64_t *)GIB;
    struct address_space other = second_space();
    phys_addr a = frame_alloc(), b = frame_alloc();
    uint64_t here, there;

    *(uint64_t *)direct_map(a) = 1;
    *(uint64_t *)direct_map(b) = 2;
    CHECK(page_map(&other, GIB, b, READ_WRITE));
    CHECK(!is_mapped(GIB));
    CHECK(page_map(&kernel_space, GIB, a, READ_WRITE));
    CHECK_EQ(physical_of(&other, GIB), b);
    CHECK_EQ(physical_of(&kernel_space, GIB), a);
    here = *page;
    write_root(other.root);
    there = *page;
    *page = 3;
    write_root(kernel_space.root);
    CHECK_EQ(here, 1);
    CHECK_EQ(there, 2);
    CHECK_EQ(*page, 1);
    CHECK_EQ(*(uint64_t *)direct_map(b), 3);
    CHECK_EQ(page_unmap(&other, GIB), b);
    CHECK_EQ(*page, 1);
    CHECK_EQ(page_unmap(&kernel_space, GIB), a);
    frame_free(a);
    frame_free(b);
}

TEST(direct_map_is_in_each_that_it_enters)
{
    struct address_space other = second_space();
    uint64_t *root             = direct_map(other.root);
    size_t entries             = 0;

    for (int i = 0; i < 512; i++)
        entries += root[i] != 0;
    CHECK_EQ(entries, 2);
    CHECK_EQ(physical_of(&other, DIRECT_MAP + 0xb8000), 0xb8000);
    CHECK_EQ(physical_of(&other, DIRECT_MAP + other.root), other.root);
}

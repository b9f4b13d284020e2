// live_tables.c: the address space that memory_init has made, as the
// CPU sees it: all of its page tables, entry by entry.

#include "01-boot/walk.h"

#include "direct_map.h"
#include "regions.h"
#include "taken.h"

extern const char text_start[], rodata_start[], data_start[];
extern const char stack_guard[], stack_bottom[], stack_top[];
extern const char kernel_end[];

enum { CR0_WP = 1 << 16, MSR_EFER = 0xc0000080, EFER_NXE = 1 << 11 };

#define RIGHTS     (PRESENT | WRITABLE | USER | PAGE_NO_EXECUTE)
#define EXECUTABLE PRESENT
#define READ_ONLY  (PRESENT | PAGE_NO_EXECUTE)
#define READ_WRITE (PRESENT | WRITABLE | PAGE_NO_EXECUTE)

// What all levels together allow.
struct page {
    virt_addr start;
    uint64_t size;
    phys_addr frame;
    uint64_t rights;
};

typedef void visitor(const struct page *page);

static size_t visited;

static uint64_t both(uint64_t above, uint64_t entry)
{
    return (above & entry & (PRESENT | WRITABLE | USER)) |
           ((above | entry) & PAGE_NO_EXECUTE);
}

static virt_addr canonical(virt_addr address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16);
}

static void visit_table(phys_addr table, int level, struct page page,
                        visitor *visit)
{
    const uint64_t *entries = ktap_physical(table);
    uint64_t above          = page.rights;

    page.size = 1ul << (12 + 9 * (level - 1));
    for (int i = 0; i < ENTRIES; i++, page.start += page.size) {
        struct page found = page;

        if (!(entries[i] & PRESENT))
            continue;
        found.start  = canonical(page.start);
        found.frame  = entries[i] & ADDRESS;
        found.rights = both(above, entries[i]);
        if (level > 1 && !(entries[i] & LARGE)) {
            visit_table(found.frame, level - 1, found, visit);
        } else {
            visited++;
            visit(&found);
        }
    }
}

static void visit_pages(visitor *visit)
{
    struct page all = {.rights = PRESENT | WRITABLE | USER};

    visited = 0;
    visit_table(cr3() & ADDRESS, LEVELS, all, visit);
    CHECK(visited > 100);
}

// The rights of all of a page, its frame taken for granted.
static uint64_t rights_of(virt_addr address, phys_addr *frame);

static struct page wanted;

static void note_wanted(const struct page *page)
{
    if (wanted.start - page->start < page->size) {
        wanted.frame  = page->frame + (wanted.start - page->start);
        wanted.rights = page->rights;
    }
}

static uint64_t rights_of(virt_addr address, phys_addr *frame)
{
    wanted = (struct page){.start = address};
    visit_pages(note_wanted);
    *frame = wanted.frame;
    return wanted.rights & RIGHTS;
}

static void check_no_user_page(const struct page *page)
{
    CHECK(!(page->rights & USER));
}

TEST(no_page_is_for_programs)
{
    visit_pages(check_no_user_page);
}

static void check_rights(const struct page *page)
{
    CHECK(!(page->rights & WRITABLE) || page->rights & PAGE_NO_EXECUTE);
}

TEST(nothing_is_writable_and_executable)
{
    visit_pages(check_rights);
}

static void check_upper_half(const struct page *page)
{
    CHECK(page->start >= DIRECT_MAP);
}

TEST(lower_half_is_empty)
{
    visit_pages(check_upper_half);
    CHECK(is_hole(0));
    CHECK(is_hole(LOW_MEMORY));
    CHECK(is_hole(0xb8000));
}

static bool is_image(virt_addr address, const char *start,
                     const char *end)
{
    return address >= (virt_addr)start && address < (virt_addr)end;
}

// 0: there should be nothing. Later chapters have more guards.
static uint64_t due_rights(virt_addr address)
{
    const struct region *region = region_find(address);

    if (address - DIRECT_MAP < DIRECT_MAP_SIZE ||
        address - DEMAND_ZERO < DEMAND_ZERO_SIZE)
        return READ_WRITE;
    if (is_image(address, text_start, rodata_start))
        return EXECUTABLE;
    if (is_image(address, rodata_start, data_start))
        return READ_ONLY;
    if (is_image(address, data_start, kernel_end) &&
        !is_image(address, stack_guard, stack_bottom))
        return region->kind == REGION_IMAGE ? READ_WRITE : 0;
    return 0;
}

static void check_due(const struct page *page)
{
    if (page->start - DIRECT_MAP >= DIRECT_MAP_SIZE)
        CHECK_EQ(page->rights & RIGHTS, due_rights(page->start));
}

TEST(every_page_is_due)
{
    visit_pages(check_due);
}

TEST(kernel_is_mapped_page_by_page)
{
    for (virt_addr at = KERNEL_BASE; at < (virt_addr)kernel_end;
         at += PAGE_SIZE) {
        uint64_t size, entry = find_entry(at, &size);

        if (due_rights(at) == 0) {
            CHECK(is_hole(at));
            continue;
        }
        CHECK_EQ(size, PAGE_SIZE);
        CHECK_EQ(entry & ADDRESS, at - KERNEL_BASE);
        CHECK_EQ(entry & RIGHTS, due_rights(at));
    }
    CHECK(is_hole((virt_addr)kernel_end));
    CHECK(is_hole((virt_addr)stack_guard));
    CHECK(is_hole((virt_addr)stack_guard + PAGE_SIZE - 1));
}

TEST(rights_are_those_of_all_levels)
{
    phys_addr frame;

    CHECK_EQ(rights_of((virt_addr)text_start, &frame), EXECUTABLE);
    CHECK_EQ(frame, image_address(text_start));
    CHECK_EQ(rights_of((virt_addr)rodata_start, &frame), READ_ONLY);
    CHECK_EQ(rights_of((virt_addr)data_start, &frame), READ_WRITE);
    CHECK_EQ(frame, image_address(data_start));
    CHECK_EQ(rights_of((virt_addr)stack_bottom, &frame), READ_WRITE);
    CHECK_EQ(rights_of((virt_addr)stack_top - 1, &frame), READ_WRITE);
}

// The direct map

static void check_direct_map(const struct page *page)
{
    phys_addr address = page->start - DIRECT_MAP;
    bool image        = address < image_address(kernel_end) &&
                 address + page->size > LOW_MEMORY;

    if (address >= DIRECT_MAP_SIZE)
        return;
    CHECK_EQ(page->frame, address);
    CHECK_EQ(page->rights & RIGHTS, image ? READ_ONLY : READ_WRITE);
}

TEST(direct_map_has_each_address_in_its_place)
{
    visit_pages(check_direct_map);
}

TEST(direct_map_of_the_first_large_page_lacks_page_0)
{
    CHECK(is_hole(DIRECT_MAP));
    CHECK(is_hole(DIRECT_MAP + PAGE_SIZE - 1));
    for (phys_addr at = PAGE_SIZE; at < LARGE_PAGE_SIZE;
         at += PAGE_SIZE)
        CHECK(!is_hole(DIRECT_MAP + at));
}

TEST(every_frame_is_in_the_direct_map)
{
    take_all_but(0);
    for (phys_addr f = taken; f != NO_FRAME; f = *taken_next(f)) {
        uint64_t size;
        uint64_t entry = find_entry(DIRECT_MAP + f, &size);

        CHECK_EQ(entry & RIGHTS, READ_WRITE);
        CHECK_EQ((entry & ADDRESS) + f % size, f);
    }
    visit_pages(check_direct_map);
    give_back();
}

// Without these bits, read-only and no-execute are but words.
TEST(cpu_heeds_the_rights)
{
    uint64_t cr0;
    uint32_t low, high;

    asm volatile("mov %%cr0, %0" : "=r"(cr0));
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
    CHECK(cr0 & CR0_WP);
    CHECK(low & EFER_NXE);
}

TEST(cpu_uses_the_tables_of_kernel_space)
{
    CHECK_EQ(cr3() & ADDRESS, kernel_space.root);
}

// check.c: what is dropped is gone, and nothing else.

#include "../../escaped.h"

#include "frames.h"
#include "page_fault.h"
#include "paging.h"

enum { PAGES = 8 };

// A large page's worth for each test: what one leaves behind is none of
// the other's business.
static virt_addr begin(void)
{
    static virt_addr area = DEMAND_ZERO + 3 * LARGE_PAGE_SIZE;

    idt_init();
    page_fault_init();
    area += LARGE_PAGE_SIZE;
    return area;
}

static volatile uint8_t *byte_at(virt_addr address)
{
    return (volatile uint8_t *)address;
}

static void touch(virt_addr page)
{
    *byte_at(page)                 = 0x55;
    *byte_at(page + PAGE_SIZE - 1) = 0xaa;
}

static bool is_touched(virt_addr page)
{
    return *byte_at(page) == 0x55 &&
           *byte_at(page + PAGE_SIZE - 1) == 0xaa;
}

static bool is_mapped(virt_addr page)
{
    phys_addr physical;

    return page_translate(&kernel_space, page, &physical);
}

static bool is_zero(virt_addr page)
{
    for (int i = 0; i < PAGE_SIZE; i++)
        if (*byte_at(page + i) != 0)
            return false;
    return true;
}

static void touch_pages(virt_addr area)
{
    for (int i = 0; i < PAGES; i++)
        touch(area + i * PAGE_SIZE);
}

// Drops some bytes of an area of touched pages: those from the first to
// the end are gone, and the others there.
static void check_drop(virt_addr start, size_t size, int first, int end)
{
    virt_addr area = align_down(start, PAGES * PAGE_SIZE);
    size_t before;

    touch_pages(area);
    before = frames_free();
    demand_zero_drop(start, size);
    CHECK_EQ(frames_free(), before + end - first);
    for (int i = 0; i < PAGES; i++) {
        virt_addr page = area + i * PAGE_SIZE;
        bool gone      = i >= first && i < end;

        CHECK_EQ(is_mapped(page), !gone);
        CHECK(gone || is_touched(page));
    }
}

TEST(frames_are_given_back)
{
    virt_addr area = begin();

    check_drop(area, PAGE_SIZE, 0, 1);
    check_drop(area + 3 * PAGE_SIZE, 2 * PAGE_SIZE, 3, 5);
    check_drop(area + 7 * PAGE_SIZE, PAGE_SIZE, 7, 8);
}

TEST(next_touch_finds_zeros)
{
    virt_addr area = begin();

    touch_pages(area);
    demand_zero_drop(area + PAGE_SIZE, 6 * PAGE_SIZE);
    for (int i = 1; i < 7; i++)
        CHECK(is_zero(area + i * PAGE_SIZE));
    CHECK(is_touched(area));
    CHECK(is_touched(area + 7 * PAGE_SIZE));
}

TEST(frames_can_be_had_again)
{
    virt_addr area = begin();
    size_t before;

    touch_pages(area);
    touch(area + PAGES * PAGE_SIZE);
    before = frames_free();
    for (int i = 0; i < 1000; i++) {
        demand_zero_drop(area, PAGES * PAGE_SIZE);
        touch_pages(area);
    }
    CHECK_EQ(frames_free(), before);
}

TEST(page_of_which_a_byte_is_missing_stays)
{
    virt_addr area = begin();

    check_drop(area + 1, 3 * PAGE_SIZE - 1, 1, 3);
    check_drop(area, 3 * PAGE_SIZE - 1, 0, 2);
    check_drop(area + PAGE_SIZE - 1, PAGE_SIZE + 2, 1, 2);
    check_drop(area + PAGE_SIZE - 1, PAGE_SIZE + 1, 1, 2);
    check_drop(area + PAGE_SIZE - 1, PAGE_SIZE, 1, 1);
    check_drop(area + PAGE_SIZE + 1, 2 * PAGE_SIZE - 2, 2, 2);
    check_drop(area + PAGE_SIZE + 1, 2 * PAGE_SIZE - 1, 2, 3);
}

TEST(less_than_a_page_is_nothing)
{
    virt_addr area = begin();

    check_drop(area, 0, 0, 0);
    check_drop(area + 1, 0, 0, 0);
    check_drop(area, 1, 0, 0);
    check_drop(area, PAGE_SIZE - 1, 0, 0);
    check_drop(area + 1, PAGE_SIZE - 1, 0, 0);
    check_drop(area + 1, 1, 0, 0);
    check_drop(area + PAGE_SIZE / 2, PAGE_SIZE, 0, 0);
}

// Three of 262,144 are there; each has a neighbor that stays.
TEST(pages_never_touched_are_passed_over)
{
    const size_t half = 512ul << 20;
    virt_addr area    = begin();
    virt_addr middle  = area + half;
    virt_addr end     = middle + half - PAGE_SIZE;
    size_t before;

    touch(area);
    touch(middle);
    touch(end);
    before = frames_free();
    touch(area + PAGE_SIZE);
    touch(middle + PAGE_SIZE);
    touch(end - PAGE_SIZE);
    demand_zero_drop(middle + PAGE_SIZE, PAGE_SIZE);
    demand_zero_drop(middle + PAGE_SIZE, PAGE_SIZE);
    CHECK_EQ(frames_free(), before - 2);
    demand_zero_drop(area + PAGE_SIZE, half - PAGE_SIZE);
    demand_zero_drop(middle + PAGE_SIZE, half - 2 * PAGE_SIZE);
    CHECK_EQ(frames_free(), before);
    CHECK(is_touched(area) && is_touched(middle) && is_touched(end));
}

TEST(ends_of_the_region)
{
    const virt_addr end = DEMAND_ZERO + DEMAND_ZERO_SIZE;

    begin();
    touch(end - 2 * PAGE_SIZE);
    touch(end - PAGE_SIZE);
    touch(DEMAND_ZERO + PAGE_SIZE);
    touch(DEMAND_ZERO + 2 * PAGE_SIZE);
    demand_zero_drop(end - PAGE_SIZE, PAGE_SIZE);
    demand_zero_drop(end, 0);
    demand_zero_drop(DEMAND_ZERO, 2 * PAGE_SIZE);
    CHECK(!is_mapped(end - PAGE_SIZE));
    CHECK(!is_mapped(DEMAND_ZERO + PAGE_SIZE));
    CHECK(is_touched(end - 2 * PAGE_SIZE));
    CHECK(is_touched(DEMAND_ZERO + 2 * PAGE_SIZE));
}

TEST(what_is_not_in_the_region_is_a_mistake)
{
    const virt_addr end = DEMAND_ZERO + DEMAND_ZERO_SIZE;

    begin();
    CHECK_PANICS(demand_zero_drop(end - PAGE_SIZE, PAGE_SIZE + 1));
}

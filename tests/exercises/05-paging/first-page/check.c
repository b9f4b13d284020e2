// check.c: a touch of the first page is reported, wherever it is, and
// costs nothing. The page behind it is there as before.

#include "03-exceptions/captured.h"

#include "frames.h"
#include "page_fault.h"
#include "paging.h"
#include "probe.h"
#include "regions.h"

#define FIRST  0xffffc00000000000ul
#define SECOND (FIRST + PAGE_SIZE)
#define LAST   (FIRST + (64ul << 30) - PAGE_SIZE)

static volatile uint8_t *place;

static void read_place(void)
{
    *place;
}

static void write_place(void)
{
    *place = 1;
}

static bool is_reported(void (*access)(void), virt_addr address)
{
    const char *text;

    idt_init();
    page_fault_init();
    place = (volatile uint8_t *)address;
    text  = captured_report(access);
    return text && begins_with(text, "\n#PF page fault, vector 14\n");
}

static bool is_mapped(virt_addr address)
{
    phys_addr physical;

    return page_translate(&kernel_space, address, &physical);
}

TEST(touch_of_the_first_page_is_reported)
{
    CHECK(is_reported(read_place, FIRST));
    CHECK(is_reported(write_place, FIRST));
    CHECK(is_reported(read_place, FIRST + 1));
    CHECK(is_reported(write_place, FIRST + 8));
    CHECK(is_reported(read_place, SECOND - 1));
    CHECK(is_reported(write_place, SECOND - 1));
    CHECK(!is_mapped(FIRST));
}

TEST(it_is_not_mapped_with_the_second)
{
    CHECK(!is_reported(read_place, SECOND));
    CHECK(is_reported(read_place, FIRST));
    CHECK(!is_mapped(FIRST));
}

// The text for a page that no frame was left for says something else.
TEST(report_does_not_speak_of_frames)
{
    const char *no_frame = region_find(SECOND)->absent;

    CHECK(is_reported(write_place, FIRST + 16));
    CHECK(contains(captured.text, "\ncr2 ffffc00000000010: "));
    CHECK(!contains(captured.text, no_frame));
}

TEST(no_frame_is_lost)
{
    size_t before = frames_free();
    uint64_t word;

    for (int i = 0; i < 100; i++)
        CHECK(!probe_read((const void *)(FIRST + 8 * i), &word));
    CHECK_EQ(frames_free(), before);
}

static void check_page(virt_addr page)
{
    CHECK(!is_reported(read_place, page));
    CHECK_EQ(*(volatile uint8_t *)page, 0);
    CHECK(!is_reported(write_place, page));
    CHECK_EQ(*(volatile uint8_t *)page, 1);
    CHECK(!is_reported(write_place, page + PAGE_SIZE - 1));
}

TEST(other_pages_are_as_before)
{
    check_page(SECOND + PAGE_SIZE);
    check_page(FIRST + LARGE_PAGE_SIZE);
    check_page(FIRST + (1ul << 30));
    check_page(LAST);
    CHECK(is_reported(read_place, FIRST - 1));
    CHECK(is_reported(read_place, LAST + PAGE_SIZE));
}

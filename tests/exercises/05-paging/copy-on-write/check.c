// check.c: pages that share a frame look like pages of their own, but
// for the frames that are left.

#include "../../escaped.h"

#include "exceptions.h"
#include "frames.h"
#include "page_fault.h"
#include "paging.h"

#if !__has_include("copy_on_write.h")
#error There is no copy_on_write.h, which is to declare page_share().
#endif
#include "copy_on_write.h"

enum { WORDS = PAGE_SIZE / sizeof(uint64_t), MOST = 256 };

#define READ_WRITE (PAGE_WRITABLE | PAGE_NO_EXECUTE)

static volatile uint64_t *words_at(virt_addr page)
{
    return (volatile uint64_t *)page;
}

// Pages that nobody has touched, with all tables there: the page behind
// them and the last page of the large page have been.
static virt_addr begin(void)
{
    static virt_addr area = DEMAND_ZERO + 2 * LARGE_PAGE_SIZE;

    idt_init();
    page_fault_init();
    area += LARGE_PAGE_SIZE;
    *words_at(area + LARGE_PAGE_SIZE - PAGE_SIZE) = 1;
    return area;
}

// Each word tells which it is, and of what.
static void fill(virt_addr page, uint64_t seed)
{
    for (int i = 0; i < WORDS; i++)
        words_at(page)[i] = seed << 32 | i;
}

static bool holds(virt_addr page, uint64_t seed)
{
    for (int i = 0; i < WORDS; i++)
        if (words_at(page)[i] != (seed << 32 | i))
            return false;
    return true;
}

// The frame of a page, or NO_FRAME.
static phys_addr frame_of(virt_addr page)
{
    phys_addr physical;

    return page_translate(&kernel_space, page, &physical) ? physical
                                                          : NO_FRAME;
}

// Fails at once if sharing does not work at all.
static bool share(virt_addr from, virt_addr to)
{
    size_t before   = frames_free();
    phys_addr frame = frame_of(from);

    return CHECK(page_share(from, to)) &&
           CHECK_EQ(frame_of(from), frame) &&
           CHECK_EQ(frame_of(to), frame) &&
           CHECK_EQ(frames_free(), before);
}

// Writes to a page that is there: how many frames has it cost?
static size_t cost_of_write(virt_addr page, uint64_t seed)
{
    size_t before = frames_free();

    fill(page, seed);
    return before - frames_free();
}

// A page that is its own: writing does nothing but write.
static void check_own(virt_addr page, uint64_t seed)
{
    phys_addr frame = frame_of(page);

    CHECK(holds(page, seed));
    CHECK_EQ(cost_of_write(page, seed + 1), 0);
    CHECK(holds(page, seed + 1));
    CHECK_EQ(frame_of(page), frame);
}

// Gives a page's frame back, as it is nobody else's.
static void discard(virt_addr page)
{
    frame_free(page_unmap(&kernel_space, page));
}

// A test leaves nothing that is shared to the next one.
static void part(virt_addr a, virt_addr b)
{
    words_at(a)[0] = 0;
    words_at(b)[0] = 0;
}

TEST(share_is_no_copy)
{
    virt_addr a = begin(), b = a + PAGE_SIZE;

    fill(a, 1);
    if (!share(a, b))
        return;
    CHECK(holds(a, 1));
    CHECK(holds(b, 1));
    CHECK_EQ(frame_of(a), frame_of(b));
    part(a, b);
}

TEST(write_to_the_new_one)
{
    virt_addr a = begin(), b = a + PAGE_SIZE;
    phys_addr frame;

    fill(a, 1);
    if (!share(a, b))
        return;
    frame = frame_of(a);
    CHECK_EQ(cost_of_write(b, 2), 1);
    CHECK(holds(a, 1));
    CHECK(holds(b, 2));
    CHECK_EQ(frame_of(a), frame);
    CHECK(frame_of(b) != frame);
    check_own(b, 2);
    check_own(a, 1);
    CHECK_EQ(frame_of(a), frame);
    CHECK(holds(b, 3));
}

// It has been written to before, which the CPU remembers.
TEST(write_to_the_old_one)
{
    virt_addr a = begin(), b = a + PAGE_SIZE;
    phys_addr frame;

    fill(a, 1);
    if (!share(a, b))
        return;
    frame = frame_of(b);
    CHECK_EQ(cost_of_write(a, 2), 1);
    CHECK(holds(b, 1));
    CHECK(holds(a, 2));
    CHECK_EQ(frame_of(b), frame);
    CHECK(frame_of(a) != frame);
    check_own(a, 2);
    check_own(b, 1);
    CHECK_EQ(frame_of(b), frame);
    CHECK(holds(a, 3));
}

// All that is not written is copied.
TEST(write_of_one_byte)
{
    for (int at = 0; at < PAGE_SIZE; at += 1365) {
        virt_addr a = begin(), b = a + PAGE_SIZE;
        volatile uint8_t *byte = (volatile uint8_t *)b + at;
        uint8_t old;

        fill(a, 7);
        if (!share(a, b))
            return;
        old   = *byte;
        *byte = ~old;
        CHECK_EQ(*byte, (uint8_t)~old);
        CHECK(!holds(b, 7));
        CHECK(holds(a, 7));
        *byte = old;
        CHECK(holds(b, 7));
        CHECK(frame_of(a) != frame_of(b));
        part(a, b);
    }
}

TEST(write_across_two_pages)
{
    virt_addr a = begin(), b = a + 2 * PAGE_SIZE;
    volatile uint64_t *word = words_at(b + PAGE_SIZE - 4);

    fill(a, 1);
    fill(a + PAGE_SIZE, 2);
    if (!share(a, b) || !share(a + PAGE_SIZE, b + PAGE_SIZE))
        return;
    *word = 0x0123456789abcdef;
    CHECK_EQ(*word, 0x0123456789abcdef);
    CHECK_EQ(words_at(b)[WORDS - 1] >> 32, 0x89abcdef);
    CHECK_EQ(words_at(b)[WORDS - 2], 1ul << 32 | (WORDS - 2));
    CHECK_EQ(words_at(b + PAGE_SIZE)[0], 2ul << 32 | 0x01234567);
    CHECK(holds(a, 1));
    CHECK(holds(a + PAGE_SIZE, 2));
    part(a, b);
    part(a + PAGE_SIZE, b + PAGE_SIZE);
}

TEST(read_changes_nothing)
{
    virt_addr a = begin(), b = a + PAGE_SIZE;
    size_t before;

    fill(a, 1);
    if (!share(a, b))
        return;
    before = frames_free();
    for (int i = 0; i < 100; i++)
        CHECK(holds(i % 2 ? a : b, 1));
    CHECK_EQ(frames_free(), before);
    CHECK_EQ(frame_of(a), frame_of(b));
    part(a, b);
}

// A copy of a copy is one more page with the same frame.
TEST(many_pages_with_one_frame)
{
    enum { PAGES = 300 };
    virt_addr area = begin();
    size_t before;

    fill(area, 1);
    for (int i = 1; i < PAGES; i++)
        if (!share(area + i / 2 * PAGE_SIZE, area + i * PAGE_SIZE))
            return;
    before = frames_free();
    for (int i = 0; i < PAGES; i++) {
        int k = i * 7 % PAGES;

        CHECK(holds(area + k * PAGE_SIZE, 1));
        fill(area + k * PAGE_SIZE, 10 + k);
    }
    CHECK_EQ(frames_free(), before - (PAGES - 1));
    for (int i = 0; i < PAGES; i++)
        check_own(area + i * PAGE_SIZE, 10 + i);
    CHECK_EQ(frames_free(), before - (PAGES - 1));
}

// One that has got its own frame is shared, and so is the last one of
// another.
TEST(share_again)
{
    virt_addr a = begin(), b = a + PAGE_SIZE;
    virt_addr c = b + PAGE_SIZE, d = c + PAGE_SIZE;

    fill(a, 1);
    if (!share(a, b))
        return;
    CHECK_EQ(cost_of_write(b, 2), 1);
    if (!share(a, c) || !share(b, d))
        return;
    CHECK_EQ(cost_of_write(a, 3), 1);
    CHECK(holds(b, 2));
    CHECK(holds(c, 1));
    CHECK(holds(d, 2));
    CHECK_EQ(cost_of_write(d, 4), 1);
    check_own(a, 3);
    check_own(b, 2);
    check_own(c, 1);
    check_own(d, 4);
}

TEST(many_frames_at_once)
{
    virt_addr from = begin(), to = begin();

    for (int i = 0; i < MOST; i++) {
        fill(from + i * PAGE_SIZE, i);
        if (!share(from + i * PAGE_SIZE, to + i * PAGE_SIZE))
            break;
    }
    for (int i = 0; i < MOST; i++) {
        CHECK(holds(to + i * PAGE_SIZE, i));
        CHECK_EQ(cost_of_write(from + i * PAGE_SIZE, 1000 + i), 1);
    }
    for (int i = 0; i < MOST; i++) {
        check_own(from + i * PAGE_SIZE, 1000 + i);
        check_own(to + i * PAGE_SIZE, i);
    }
}

// Then it is shared, or it is not and everything is as it was.
TEST(too_many_frames_at_once)
{
    enum { TRIED = MOST + 100 };
    virt_addr from = begin(), to = begin();

    for (int i = 0; i < TRIED; i++) {
        virt_addr a = from + i * PAGE_SIZE, b = to + i * PAGE_SIZE;

        fill(a, i);
        if (!page_share(a, b)) {
            CHECK_EQ(frame_of(b), NO_FRAME);
            check_own(a, i);
            fill(a, i);
            fill(b, i);
        }
    }
    for (int i = 0; i < TRIED; i++) {
        fill(from + i * PAGE_SIZE, 1000 + i);
        CHECK(holds(to + i * PAGE_SIZE, i));
    }
    for (int i = 0; i < TRIED; i++) {
        check_own(from + i * PAGE_SIZE, 1000 + i);
        check_own(to + i * PAGE_SIZE, i);
    }
}

TEST(page_that_was_never_touched)
{
    virt_addr a = begin(), b = a + PAGE_SIZE;
    size_t before = frames_free();

    CHECK(page_share(a, b));
    CHECK(frames_free() + 1 >= before);
    CHECK_EQ(words_at(b)[5], 0);
    words_at(b)[5] = 55;
    CHECK_EQ(words_at(a)[5], 0);
    words_at(a)[6] = 66;
    CHECK_EQ(words_at(b)[6], 0);
    CHECK_EQ(words_at(b)[5], 55);
    CHECK_EQ(frames_free(), before - 2);
    fill(a, 1);
    fill(b, 2);
    check_own(a, 1);
    check_own(b, 2);
}

// More often than there is room for anything that is not given back.
enum { ROUNDS = 1000 };

TEST(old_page_stays_for_ever)
{
    virt_addr a = begin(), b = a + PAGE_SIZE;
    size_t before;

    fill(a, 1);
    before = frames_free();
    for (int i = 0; i < ROUNDS; i++) {
        if (!share(a, b))
            return;
        words_at(b)[1] = i;
        discard(b);
    }
    CHECK_EQ(frames_free(), before);
    check_own(a, 1);
}

TEST(frame_passes_from_page_to_page)
{
    virt_addr a = begin(), b = a + PAGE_SIZE;
    size_t before;

    fill(a, 1);
    before = frames_free();
    for (int i = 0; i < ROUNDS; i++) {
        virt_addr from = i % 2 ? b : a, to = i % 2 ? a : b;

        if (!share(from, to))
            return;
        words_at(from)[0]++;
        words_at(to)[1]++;
        discard(from);
    }
    CHECK_EQ(frames_free(), before);
    CHECK_EQ(words_at(a)[0], 1ul << 32);
    CHECK_EQ(words_at(a)[1], (1ul << 32) + 1 + ROUNDS);
}

// Other faults

static virt_addr place;

static void write_place(void)
{
    *words_at(place) = 1;
}

static bool write_is_reported(virt_addr address)
{
    place = address;
    return begins_with(captured_report(write_place),
                       "\n#PF page fault, vector 14\n");
}

static void call_place(void)
{
    ((void (*)(void))place)();
}

// There is a function that does nothing.
static bool call_is_reported(virt_addr address)
{
    words_at(address)[0] = 0xc3;  // ret
    place                = address;
    return begins_with(captured_report(call_place),
                       "\n#PF page fault, vector 14\n");
}

TEST(page_is_no_code)
{
    virt_addr a = begin(), b = a + PAGE_SIZE;

    CHECK(call_is_reported(a));
    if (!share(a, b))
        return;
    place = b;
    CHECK(begins_with(captured_report(call_place), "\n#PF "));
    place = a;
    CHECK(begins_with(captured_report(call_place), "\n#PF "));
    CHECK(call_is_reported(b));
    CHECK(call_is_reported(a));
}

TEST(page_that_is_read_only_by_itself)
{
    virt_addr a = begin(), b = a + PAGE_SIZE, c = b + PAGE_SIZE;

    fill(a, 1);
    fill(c, 3);
    if (!share(a, b))
        return;
    page_protect(&kernel_space, c, PAGE_NO_EXECUTE);
    CHECK(write_is_reported(c));
    CHECK(holds(c, 3));
    page_protect(&kernel_space, c, READ_WRITE);
    check_own(c, 3);
    fill(b, 2);
    fill(a, 1);
    page_protect(&kernel_space, a, PAGE_NO_EXECUTE);
    CHECK(write_is_reported(a));
    CHECK(holds(a, 1));
}

TEST(constants_are_still_read_only)
{
    static const uint64_t constant = 42;

    begin();
    CHECK(write_is_reported((virt_addr)&constant));
    CHECK(write_is_reported(8));
    CHECK(write_is_reported(DEMAND_ZERO + DEMAND_ZERO_SIZE));
    CHECK_EQ(*(volatile const uint64_t *)&constant, 42);
}

// No frames

static phys_addr hoard;  // a list

static void take_all_frames(void)
{
    phys_addr frame;

    while ((frame = frame_alloc()) != NO_FRAME) {
        *(phys_addr *)direct_map(frame) = hoard;
        hoard                           = frame;
    }
}

static void give_one_frame(void)
{
    phys_addr frame = hoard;

    hoard = *(phys_addr *)direct_map(frame);
    frame_free(frame);
}

static void give_all_frames(void)
{
    while (hoard != NO_FRAME)
        give_one_frame();
}

TEST(no_frame_for_a_copy)
{
    virt_addr a = begin(), b = a + PAGE_SIZE;
    bool reported;

    fill(a, 1);
    if (!share(a, b))
        return;
    take_all_frames();
    reported = write_is_reported(b) && write_is_reported(a);
    CHECK(holds(a, 1));
    CHECK(holds(b, 1));
    CHECK_EQ(frame_of(a), frame_of(b));
    give_one_frame();
    CHECK_EQ(cost_of_write(b, 2), 1);
    CHECK(holds(a, 1));
    CHECK_EQ(cost_of_write(a, 3), 0);
    give_all_frames();
    CHECK(reported);
    check_own(a, 3);
    check_own(b, 2);
}

// Nothing is kept of what has failed.
TEST(no_frame_for_a_table)
{
    virt_addr a   = begin();
    virt_addr far = DEMAND_ZERO + DEMAND_ZERO_SIZE / 2;

    for (int i = 0; i < MOST; i++)
        fill(a + i * PAGE_SIZE, i);
    take_all_frames();
    for (int i = 0; i < MOST; i++) {
        CHECK(!page_share(a + i * PAGE_SIZE, far));
        CHECK_EQ(frame_of(far), NO_FRAME);
        CHECK_EQ(cost_of_write(a + i * PAGE_SIZE, i), 0);
    }
    give_all_frames();
    for (int i = 0; i < MOST; i++)
        check_own(a + i * PAGE_SIZE, i);
    CHECK(page_share(a, far));
    CHECK_EQ(frame_of(a), frame_of(far));
    part(a, far);
}

TEST(frames_are_all_there_in_the_end)
{
    virt_addr a = begin(), b = a + PAGE_SIZE;
    size_t before = frames_free();

    for (int i = 0; i < ROUNDS; i++) {
        fill(a, i);
        if (!share(a, b))
            return;
        words_at(i % 3 ? a : b)[0] = 0;
        words_at(i % 3 ? b : a)[0] = 0;
        discard(a);
        discard(b);
    }
    CHECK_EQ(frames_free(), before);
}

TEST(page_that_is_there_already_is_a_mistake)
{
    virt_addr a = begin(), b = a + PAGE_SIZE;

    fill(b, 2);
    CHECK_PANICS(page_share(a, b));
    CHECK(holds(b, 2));
}

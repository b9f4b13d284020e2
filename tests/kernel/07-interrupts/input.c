// input.c: the queue of what was typed.

#include "taken.h"

#include "cpu.h"
#include "lines.h"

enum { SIZE = 128, HLT = 0xf4 };

TEST(keys_come_in_order)
{
    take_all();
    for (int key = 1; key <= 100; key++)
        input_put(key);
    for (int key = 1; key <= 100; key++)
        CHECK_EQ(input_get(), key);
}

TEST(every_key_comes_as_it_is)
{
    take_all();
    for (int key = 1; key <= 0xff; key++) {
        input_put(key);
        CHECK_EQ(input_get(), key);
    }
    for (int key = KEY_UP; key <= KEY_DELETE; key++) {
        input_put(key);
        CHECK_EQ(input_get(), key);
    }
}

TEST(no_key_is_not_put)
{
    take_all();
    input_put(KEY_NONE);
    input_put('a');
    input_put(KEY_NONE);
    CHECK(takes("a"));
}

static void fill(int count)
{
    for (int i = 0; i < count; i++)
        input_put(1 + i % 200);
}

static void check_filled(int count)
{
    CHECK_EQ(take_all(), count);
    for (int i = 0; i < count; i++)
        CHECK_EQ(taken[i], 1 + i % 200);
}

TEST(there_is_room_for_128)
{
    take_all();
    fill(SIZE - 1);
    CHECK_EQ(input_lost(), 0);
    check_filled(SIZE - 1);
    fill(SIZE);
    CHECK_EQ(input_lost(), 0);
    check_filled(SIZE);
}

// The first ones are kept.
TEST(what_has_no_room_is_lost_and_counted)
{
    take_all();
    fill(SIZE + 1);
    CHECK_EQ(input_lost(), 1);
    CHECK_EQ(input_lost(), 0);
    fill(10);
    CHECK_EQ(input_lost(), 10);
    check_filled(SIZE);
}

TEST(nothing_is_lost_with_a_key_that_is_none)
{
    take_all();
    fill(SIZE);
    input_put(KEY_NONE);
    CHECK_EQ(input_lost(), 0);
    check_filled(SIZE);
}

TEST(room_comes_back)
{
    take_all();
    fill(SIZE);
    CHECK_EQ(input_get(), 1);
    input_put('x');
    CHECK_EQ(input_lost(), 0);
    input_put('y');
    CHECK_EQ(input_lost(), 1);
    for (int i = 1; i < SIZE; i++)
        CHECK_EQ(input_get(), 1 + i % 200);
    CHECK_EQ(input_get(), 'x');
    CHECK_EQ(take_all(), 0);
}

// At each place of the queue, with each number of keys in it.
TEST(queue_wraps_around)
{
    take_all();
    for (int count = 1; count <= SIZE; count++)
        for (int i = 0; i < SIZE; i += count) {
            fill(count);
            check_filled(count);
        }
}

// A key comes and another one goes, with others always between them.
TEST(keys_come_and_go)
{
    unsigned put = 0, got = 0;

    take_all();
    for (int i = 0; i < 50; i++)
        input_put(1 + put++ % 200);
    for (int i = 0; i < 100000; i++) {
        input_put(1 + put++ % 200);
        CHECK_EQ(input_get(), 1 + got++ % 200);
    }
    CHECK_EQ(take_all(), 50);
    CHECK_EQ(input_lost(), 0);
}

TEST(taking_leaves_interrupts_as_they_were)
{
    quiet();
    take_all();
    fill(2);
    CHECK_EQ(input_get(), 1);
    CHECK(!(read_rflags() & RFLAGS_IF));
    sti();
    CHECK_EQ(input_get(), 2);
    CHECK(read_rflags() & RFLAGS_IF);
    cli();
}

TEST(putting_leaves_interrupts_as_they_were)
{
    quiet();
    take_all();
    input_put('a');
    input_lost();
    CHECK(!(read_rflags() & RFLAGS_IF));
    sti();
    input_put('b');
    input_lost();
    CHECK(read_rflags() & RFLAGS_IF);
    cli();
    CHECK(takes("ab"));
}

// Waiting

static int left;  // interrupts without a key

// A program that waited goes on with interrupts disabled, as it would
// an instruction later: the next one comes when it waits again.
static void type(struct trap_frame *frame)
{
    if (((const uint8_t *)frame->rip)[-1] == HLT)
        frame->rflags &= ~(uint64_t)RFLAGS_IF;
    lower_line();
    if (left-- > 0)
        raise_line(free_line);
    else
        input_put('k');
}

static void get_after(int others, bool enabled)
{
    quiet();
    take_all();
    interrupt_set_handler(free_line, type);
    left = others;
    raise_line(free_line);
    if (enabled)
        sti();
    CHECK_EQ(input_get(), 'k');
    CHECK_EQ(!(read_rflags() & RFLAGS_IF), !enabled);
    cli();
    CHECK_EQ(take_all(), 0);
}

TEST(getting_waits_for_a_key)
{
    get_after(0, false);
    get_after(0, true);
}

// An interrupt alone is not yet a key.
TEST(getting_waits_through_other_interrupts)
{
    get_after(5, false);
    get_after(5, true);
}

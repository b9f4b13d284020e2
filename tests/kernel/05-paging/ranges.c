// ranges.c: sets of numbers, compared with one flag for each number.

#include "ktap.h"

#include "ranges.h"
#include "string.h"

enum { NUMBERS = 1024 };

static struct range_set set;
static bool model[NUMBERS];

static void start(void)
{
    memset(&set, 0, sizeof(set));
    memset(model, 0, sizeof(model));
}

static void add(uint64_t from, uint64_t to)
{
    range_add(&set, from, to);
    for (uint64_t i = from; i < to; i++)
        model[i] = true;
}

static void take_out(uint64_t from, uint64_t to)
{
    range_remove(&set, from, to);
    for (uint64_t i = from; i < to; i++)
        model[i] = false;
}

static bool is_sound(void)
{
    uint64_t end = 0;

    for (size_t i = 0; i < set.count; i++) {
        if ((i > 0 && set.ranges[i].start <= end) ||
            set.ranges[i].end <= set.ranges[i].start)
            return false;
        end = set.ranges[i].end;
    }
    return set.count <= RANGES_MAX;
}

static bool has(uint64_t number)
{
    for (size_t i = 0; i < set.count; i++)
        if (number >= set.ranges[i].start && number < set.ranges[i].end)
            return true;
    return false;
}

static bool is_like_the_model(void)
{
    static bool held[NUMBERS];
    uint64_t total = 0;

    memset(held, 0, sizeof(held));
    for (size_t i = 0; i < set.count; i++) {
        uint64_t start = set.ranges[i].start, end = set.ranges[i].end;

        if (start >= end || end > NUMBERS)
            return false;
        memset(held + start, 1, end - start);
        total += end - start;
    }
    return is_sound() && range_total(&set) == total &&
           memcmp(held, model, sizeof(held)) == 0;
}

TEST(empty_set_stays_empty)
{
    start();
    take_out(0, 10);
    add(5, 5);
    range_add(&set, 9, 3);
    CHECK_EQ(set.count, 0);
    CHECK_EQ(range_total(&set), 0);
}

// The numbers of which the next tests make all ranges there are.
enum { FEW = 9 };

static bool differs(uint64_t from, uint64_t to)
{
    for (uint64_t i = 0; i < FEW + 2; i++)
        if (has(i) != model[i])
            return true;
    return !is_sound() || range_total(&set) > FEW || to < from;
}

// Ranges at every relative position to those of a set.
static void try_all(void (*fill)(uint64_t, uint64_t), uint64_t a,
                    uint64_t b)
{
    for (uint64_t from = 0; from < FEW; from++)
        for (uint64_t to = from; to < FEW; to++) {
            start();
            fill(a, b);
            add(from, to);
            CHECK(!differs(from, to));
            start();
            fill(a, b);
            take_out(from, to);
            CHECK(!differs(from, to));
        }
}

static void one(uint64_t a, uint64_t b)
{
    add(a, b);
}

static void two(uint64_t a, uint64_t b)
{
    add(b, b + 2);
    add(a, a + 2);
}

TEST(every_position_to_one_range)
{
    for (uint64_t a = 0; a < FEW; a++)
        for (uint64_t b = a; b < FEW; b++)
            try_all(one, a, b);
}

TEST(every_position_to_two_ranges)
{
    for (uint64_t a = 0; a + 4 < FEW; a++)
        for (uint64_t b = a + 2; b + 2 < FEW; b++)
            try_all(two, a, b);
}

TEST(backward_ranges_change_nothing)
{
    start();
    add(2, 8);
    range_remove(&set, 6, 4);
    range_remove(&set, 9, 1);
    range_add(&set, 7, 3);
    CHECK(is_like_the_model());
    CHECK_EQ(set.count, 1);
}

TEST(last_number_of_all)
{
    start();
    range_add(&set, 0, UINT64_MAX);
    range_remove(&set, 1, UINT64_MAX - 1);
    CHECK_EQ(set.count, 2);
    CHECK_EQ(set.ranges[0].start, 0);
    CHECK_EQ(set.ranges[0].end, 1);
    CHECK_EQ(set.ranges[1].start, UINT64_MAX - 1);
    CHECK_EQ(set.ranges[1].end, UINT64_MAX);
}

static uint32_t drawn(uint32_t below)
{
    static uint32_t state = 1;

    state = state * 1664525 + 1013904223;
    return (state >> 16) % below;
}

TEST(thousands_of_changes)
{
    start();
    for (int i = 0; i < 3000; i++) {
        uint64_t from = drawn(NUMBERS - 60), to = from + drawn(60);

        if (drawn(2) == 0)
            add(from, to);
        else
            take_out(from, to);
        if (!CHECK(is_like_the_model()))
            return;
    }
    CHECK_EQ(set.lost, 0);
    CHECK(set.count > 10);
}

// Sets without room: five numbers of each eight.

static void fill_up(void)
{
    start();
    for (uint64_t i = RANGES_MAX; i > 0; i--)
        add(8 * i - 8, 8 * i - 3);
    CHECK_EQ(set.count, RANGES_MAX);
    CHECK_EQ(set.lost, 0);
    CHECK(is_like_the_model());
}

// Numbers may be missing, as many as were told, but none is too many.
static void check_lost(uint64_t lost)
{
    uint64_t total = 0;

    for (uint64_t i = 0; i < NUMBERS; i++) {
        CHECK(model[i] || !has(i));
        total += model[i];
    }
    CHECK_EQ(set.lost, lost);
    CHECK_EQ(range_total(&set) + lost, total);
    CHECK(is_sound());
}

TEST(full_set_leaves_a_new_range_out)
{
    fill_up();
    add(14, 15);
    check_lost(1);
    add(6, 7);
    check_lost(2);
    add(NUMBERS - 2, NUMBERS);
    check_lost(4);
}

TEST(full_set_takes_what_touches)
{
    fill_up();
    add(5, 6);
    add(7, 8);
    CHECK_EQ(set.count, RANGES_MAX);
    add(6, 7);
    CHECK_EQ(set.count, RANGES_MAX - 1);
    check_lost(0);
}

TEST(full_set_is_not_split)
{
    fill_up();
    take_out(9, 10);
    CHECK(!has(9));
    check_lost(3);
    CHECK(has(8));
    CHECK(has(16));
}

TEST(full_set_shrinks)
{
    fill_up();
    take_out(0, 5);
    take_out(10, 22);
    CHECK(is_like_the_model());
    add(0, 5);
    CHECK(is_like_the_model());
    CHECK_EQ(set.lost, 0);
}

TEST(full_set_takes_what_covers_others)
{
    fill_up();
    add(7, 30);
    CHECK(is_like_the_model());
    CHECK_EQ(set.lost, 0);
    CHECK(set.count < RANGES_MAX);
}

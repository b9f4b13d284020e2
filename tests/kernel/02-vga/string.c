// string.c: every alignment, overlap and size up to some, against loops
// over volatile bytes, which no compiler turns into calls of what is
// tested. More cases run on the host: tests/test_02_vga.py.

#include "ktap.h"

#include "string.h"

enum { AREA = 64, OFFSETS = 10, SIZES = 36, LARGE = 100000 };

typedef volatile uint8_t area[AREA];

static area expected, got;
static uint8_t source[LARGE], target[LARGE];

static void fill(area bytes, int seed)
{
    for (int i = 0; i < AREA; i++)
        bytes[i] = seed + 7 * i;
}

static void check_same(void)
{
    int i = 0;

    while (i < AREA && expected[i] == got[i])
        i++;
    CHECK_EQ(i, AREA);
}

static void fill_large(void)
{
    for (int i = 0; i < LARGE; i++) {
        *(volatile uint8_t *)&source[i] = (unsigned)i * i >> 3;
        *(volatile uint8_t *)&target[i] = 0xcc;
    }
}

TEST(memcpy_copies_and_leaves_the_rest)
{
    static area from;

    fill(from, 100);
    for (int to = 0; to < OFFSETS; to++)
        for (int at = 0; at < OFFSETS; at++)
            for (int size = 0; size < SIZES; size++) {
                fill(expected, 0);
                fill(got, 0);
                for (int i = 0; i < size; i++)
                    expected[to + i] = from[at + i];
                CHECK_EQ(memcpy((void *)(got + to), (void *)(from + at),
                                size),
                         got + to);
                check_same();
            }
}

TEST(memcpy_copies_much)
{
    fill_large();
    memcpy(target + 1, source, LARGE - 2);
    CHECK_EQ(target[0], 0xcc);
    CHECK_EQ(target[LARGE - 1], 0xcc);
    CHECK_EQ(memcmp(target + 1, source, LARGE - 2), 0);
}

TEST(memmove_copies_what_overlaps)
{
    for (int to = 0; to < OFFSETS; to++)
        for (int from = 0; from < OFFSETS; from++)
            for (int size = 0; size < SIZES; size++) {
                area before;

                fill(before, 0);
                fill(expected, 0);
                fill(got, 0);
                for (int i = 0; i < size; i++)
                    expected[to + i] = before[from + i];
                CHECK_EQ(memmove((void *)(got + to),
                                 (void *)(got + from), size),
                         got + to);
                check_same();
            }
}

TEST(memset_fills_and_leaves_the_rest)
{
    for (int to = 0; to < OFFSETS; to++)
        for (int size = 0; size < SIZES; size++) {
            fill(expected, 0);
            fill(got, 0);
            for (int i = 0; i < size; i++)
                expected[to + i] = 0xa5;
            CHECK_EQ(memset((void *)(got + to), 0xa5, size), got + to);
            check_same();
        }
}

TEST(memset_takes_the_low_byte)
{
    fill(got, 0);
    memset((void *)got, 0x1234, AREA);
    CHECK_EQ(got[0], 0x34);
    CHECK_EQ(got[AREA - 1], 0x34);
    memset((void *)got, -1, AREA);
    CHECK_EQ(got[AREA / 2], 0xff);
}

TEST(memset_fills_much)
{
    fill_large();
    memset(target + 1, 0, LARGE - 2);
    CHECK_EQ(target[0], 0xcc);
    CHECK_EQ(target[1], 0);
    CHECK_EQ(target[LARGE - 2], 0);
    CHECK_EQ(target[LARGE - 1], 0xcc);
}

TEST(memcmp_orders_unsigned_bytes)
{
    CHECK_EQ(memcmp("abc", "abc", 3), 0);
    CHECK(memcmp("abc", "abd", 3) < 0);
    CHECK(memcmp("abd", "abc", 3) > 0);
    CHECK(memcmp("\x80", "\x7f", 1) > 0);
    CHECK(memcmp("\x01", "\xff", 1) < 0);
}

TEST(memcmp_looks_at_size_bytes)
{
    CHECK_EQ(memcmp("abc", "abd", 2), 0);
    CHECK_EQ(memcmp("a", "b", 0), 0);
    CHECK(memcmp("a\0b", "a\0c", 3) < 0);
    CHECK(memcmp("bxx", "ayy", 3) > 0);  // the first one decides
}

TEST(strlen_counts_to_the_zero_byte)
{
    CHECK_EQ(strlen(""), 0);
    CHECK_EQ(strlen("abc"), 3);
    CHECK_EQ(strlen("a\0b"), 1);
    CHECK_EQ(strlen("\xff\x80"), 2);
}

TEST(strnlen_stops_at_the_limit)
{
    static const char open[3] = {'a', 'b', 'c'};

    CHECK_EQ(strnlen("abc", 10), 3);
    CHECK_EQ(strnlen("abc", 3), 3);
    CHECK_EQ(strnlen(open, 3), 3);
    CHECK_EQ(strnlen(open, 2), 2);
    CHECK_EQ(strnlen(NULL, 0), 0);
}

TEST(strcmp_orders_unsigned_characters)
{
    CHECK_EQ(strcmp("", ""), 0);
    CHECK_EQ(strcmp("abc", "abc"), 0);
    CHECK(strcmp("abc", "abd") < 0);
    CHECK(strcmp("abd", "abc") > 0);
    CHECK(strcmp("ab", "abc") < 0);
    CHECK(strcmp("abc", "ab") > 0);
    CHECK(strcmp("\x80", "\x7f") > 0);
    CHECK_EQ(strcmp("a\0b", "a\0c"), 0);
}

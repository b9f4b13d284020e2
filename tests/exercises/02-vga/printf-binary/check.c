// check.c: %b is to binary what %x is to hexadecimal.

#include "ktap.h"

#include "printf.h"

// Not every compiler knows %b.
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wformat-invalid-specifier"
#endif

static char buffer[128];

#define CHECK_PRINTS(text, ...) \
    do { \
        int length = snprintf(buffer, sizeof(buffer), __VA_ARGS__); \
        if (CHECK_TEXT(buffer, text)) \
            CHECK_EQ(length, sizeof(text) - 1); \
    } while (0)

#define ONES_16 "1111111111111111"

TEST(binary_digits)
{
    CHECK_PRINTS("0", "%b", 0);
    CHECK_PRINTS("1", "%b", 1);
    CHECK_PRINTS("101010", "%b", 42);
    CHECK_PRINTS("10000000000000000000000000000000", "%b", 1u << 31);
}

TEST(all_64_of_them)
{
    CHECK_PRINTS(ONES_16 ONES_16 ONES_16 ONES_16, "%lb", UINT64_MAX);
    CHECK_PRINTS("1" ONES_16 ONES_16, "%zb", 0x1ffffffff);
}

TEST(lengths_cut_down)
{
    CHECK_PRINTS("11111111", "%hhb", 0x1ff);
    CHECK_PRINTS(ONES_16, "%hb", 0x1ffff);
    CHECK_PRINTS(ONES_16 ONES_16, "%b", -1);
}

TEST(width_zeros_and_precision)
{
    CHECK_PRINTS("[    101]", "[%7b]", 5);
    CHECK_PRINTS("[0000101]", "[%07b]", 5);
    CHECK_PRINTS("[101    ]", "[%-7b]", 5);
    CHECK_PRINTS("[00101]", "[%.5b]", 5);
}

TEST(other_conversions_are_as_before)
{
    CHECK_PRINTS("-42 42 2a 2A 0x2a", "%d %u %x %X %p", -42, 42, 42, 42,
                 (void *)42);
    CHECK_PRINTS("%y", "%y");
}

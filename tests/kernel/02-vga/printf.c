// printf.c: one case for each rule. Thousands more, compared with a C
// library, run on the host: tests/test_02_vga.py.

#include "ktap.h"

#include <limits.h>

#include "console.h"
#include "printf.h"
#include "string.h"

// Wrong formats are among what is tested.
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wformat-invalid-specifier"
#else
#pragma GCC diagnostic ignored "-Wformat-overflow"
#endif

static char buffer[256];

#define CHECK_PRINTS(text, ...) \
    do { \
        int length = snprintf(buffer, sizeof(buffer), __VA_ARGS__); \
        CHECK_TEXT(buffer, text); \
        CHECK_EQ(length, sizeof(text) - 1); \
    } while (0)

TEST(text_stays)
{
    CHECK_PRINTS("", "");
    CHECK_PRINTS("plain", "plain");
    CHECK_PRINTS("100%", "100%%");
    CHECK_PRINTS("%d", "%%d");
}

TEST(decimal)
{
    CHECK_PRINTS("0 1 -1", "%d %i %d", 0, 1, -1);
    CHECK_PRINTS("2147483647", "%d", INT_MAX);
    CHECK_PRINTS("-2147483648", "%d", INT_MIN);
    CHECK_PRINTS("4294967295", "%u", UINT_MAX);
}

TEST(hexadecimal)
{
    CHECK_PRINTS("0 beef BEEF", "%x %x %X", 0, 0xbeef, 0xbeef);
    CHECK_PRINTS("ffffffff", "%x", -1);
    CHECK_PRINTS("0123456789ABCDEF", "%016lX", 0x0123456789abcdef);
}

TEST(lengths)
{
    CHECK_PRINTS("-1 255 ff", "%hhd %hhu %hhx", 0x1ff, 0x1ff, 0x1ff);
    CHECK_PRINTS("-1 65535 ffff", "%hd %hu %hx", 0x1ffff, 0x1ffff,
                 0x1ffff);
    CHECK_PRINTS("-1 4294967295", "%d %u", -1, -1);
    CHECK_PRINTS("-9223372036854775808", "%ld", LONG_MIN);
    CHECK_PRINTS("9223372036854775807", "%lld", LLONG_MAX);
    CHECK_PRINTS("18446744073709551615", "%lu", ULONG_MAX);
    CHECK_PRINTS("18446744073709551615 -1", "%zu %zd", SIZE_MAX,
                 SIZE_MAX);
}

TEST(width)
{
    CHECK_PRINTS("[   42]", "[%5d]", 42);
    CHECK_PRINTS("[42   ]", "[%-5d]", 42);
    CHECK_PRINTS("[00042]", "[%05d]", 42);
    CHECK_PRINTS("[-0042]", "[%05d]", -42);
    CHECK_PRINTS("[42   ]", "[%-05d]", 42);
    CHECK_PRINTS("[42   ]", "[%0-5d]", 42);
    CHECK_PRINTS("[12345]", "[%3d]", 12345);
    CHECK_PRINTS("[   42]", "[%*d]", 5, 42);
    CHECK_PRINTS("[42   ]", "[%*d]", -5, 42);
    CHECK_PRINTS("[    x]", "[%5c]", 'x');
    CHECK_PRINTS("[ab   ]", "[%-5s]", "ab");
}

TEST(precision)
{
    CHECK_PRINTS("[0042]", "[%.4d]", 42);
    CHECK_PRINTS("[-0042]", "[%.4d]", -42);
    CHECK_PRINTS("[  0042]", "[%06.4d]", 42);
    CHECK_PRINTS("[0042  ]", "[%-6.4d]", 42);
    CHECK_PRINTS("[][0]", "[%.0d][%.1d]", 0, 0);
    CHECK_PRINTS("[][  ]", "[%.d][%2.x]", 0, 0);
    CHECK_PRINTS("[0042]", "[%.*d]", 4, 42);
    CHECK_PRINTS("[42]", "[%.*d]", -4, 42);
}

TEST(strings)
{
    CHECK_PRINTS("[]", "[%s]", "");
    CHECK_PRINTS("[abc]", "[%s]", "abc");
    CHECK_PRINTS("[ab]", "[%.2s]", "abc");
    CHECK_PRINTS("[]", "[%.0s]", "abc");
    CHECK_PRINTS("[   ab]", "[%5.2s]", "abc");
}

TEST(string_is_read_no_further_than_its_precision)
{
    static const char open[2] = {'a', 'b'};

    CHECK_PRINTS("ab", "%.2s", open);
}

TEST(null_string_is_named)
{
    CHECK_PRINTS("(null)", "%s", (char *)NULL);
    CHECK_PRINTS("  (null)", "%8s", (char *)NULL);
}

TEST(pointers)
{
    CHECK_PRINTS("0x0", "%p", NULL);
    CHECK_PRINTS("0xb8000", "%p", (void *)0xb8000);
    CHECK_PRINTS("0xffffffff80000000", "%p",
                 (void *)0xffffffff80000000);
    CHECK_PRINTS("[  0x10]", "[%6p]", (void *)16);
    CHECK_PRINTS("[0x0010]", "[%06p]", (void *)16);
}

TEST(many_arguments)
{
    CHECK_PRINTS("1 2 3 4 5 6 7 8 9", "%d %d %d %d %d %d %d %d %d", 1,
                 2, 3, 4, 5, 6, 7, 8, 9);
    CHECK_PRINTS("1 2 3 four 5", "%d %ld %hhd %s %zu", 1, 2l, 3, "four",
                 5ul);
}

TEST(unknown_conversion_prints_the_rest_as_it_stands)
{
    CHECK_PRINTS("1 %y %d", "%d %y %d", 1, 2);
    CHECK_PRINTS("%f", "%f");
    CHECK_PRINTS("%+d", "%+d", 1);
    CHECK_PRINTS("a %5.3", "a %5.3");
    CHECK_PRINTS("100%", "100%");
    CHECK_PRINTS("%l", "%l");
}

TEST(truncation_keeps_the_end_and_counts_all)
{
    memset(buffer, '#', sizeof(buffer));
    CHECK_EQ(snprintf(buffer, 4, "%s", "abcdef"), 6);
    CHECK_EQ(memcmp(buffer, "abc\0#", 5), 0);
    CHECK_EQ(snprintf(buffer, 4, "%d", 123), 3);
    CHECK_EQ(memcmp(buffer, "123\0#", 5), 0);
    CHECK_EQ(snprintf(buffer, 4, "%d", 1234), 4);
    CHECK_EQ(memcmp(buffer, "123\0#", 5), 0);
}

TEST(size_0_and_1_have_no_room)
{
    memset(buffer, '#', sizeof(buffer));
    CHECK_EQ(snprintf(buffer, 1, "abc"), 3);
    CHECK_EQ(memcmp(buffer, "\0#", 2), 0);
    buffer[0] = '#';
    CHECK_EQ(snprintf(buffer, 0, "abc"), 3);
    CHECK_EQ(buffer[0], '#');
    CHECK_EQ(snprintf(NULL, 0, "%100d", 1), 100);
}

static char printed[64];
static size_t count;

static void sink(char c)
{
    if (count < sizeof(printed) - 1)
        printed[count++] = c;
}

static void listen(void)
{
    static bool listening;

    if (!listening)
        console_add_sink(sink);
    listening = true;
    memset(printed, 0, sizeof(printed));
    count = 0;
}

TEST(printf_writes_to_the_console)
{
    listen();
    CHECK_EQ(printf("%s %d%%\n", "at", 42), 7);
    CHECK_TEXT(printed, "at 42%\n");
}

static int print_list(const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(buffer, sizeof(buffer), format, arguments);
    length += vprintf(format, arguments);  // from the first one again
    va_end(arguments);
    return length;
}

TEST(argument_list_stays_with_the_caller)
{
    listen();
    CHECK_EQ(print_list("%d %s", 1, "a"), 6);
    CHECK_TEXT(buffer, "1 a");
    CHECK_TEXT(printed, "1 a");
}

// repeats.c: functions that have called themselves have one line in a
// backtrace, and a number.

#include "03-exceptions/captured.h"

#include "backtrace.h"
#include "exceptions.h"
#include "printf.h"
#include "symbols.h"

enum { LINKS = 400 };

static struct {
    uint64_t rbp, return_address;
} chain[LINKS + 1];

static size_t links;  // of the chain

// Adds calls that return to the same place in a function.
static void add(int calls, int place)
{
    for (int i = 0; i < calls; i++) {
        chain[links].rbp            = (uint64_t)&chain[links + 1];
        chain[links].return_address = (uint64_t)symbol_print + place;
        links++;
    }
}

static const char *text(void)
{
    struct trap_frame frame = {
        .rip = (uint64_t)backtrace,
        .rbp = (uint64_t)chain,
    };

    chain[links - 1].rbp = 0;
    captured_start();
    backtrace(&frame);
    CHECK(fits_screen(captured.text));
    return captured.text;
}

// What the text should be: begun, and continued.
static char expected[1024];

static void expect_start(void)
{
    links = 0;
    snprintf(expected, sizeof(expected), "  %016lx backtrace+0x0\n",
             (uint64_t)backtrace);
}

static void expect_line(int place, const char *rest)
{
    size_t length = strlen(expected);

    snprintf(expected + length, sizeof(expected) - length,
             "  %016lx symbol_print+0x%x%s\n",
             (uint64_t)symbol_print + place, place, rest);
}

static void expect_text(const char *line)
{
    size_t length = strlen(expected);

    snprintf(expected + length, sizeof(expected) - length, "%s", line);
}

TEST(one_call_has_no_number)
{
    expect_start();
    add(1, 1);
    expect_line(1, "");
    CHECK_TEXT(text(), expected);
}

TEST(same_calls_are_counted)
{
    expect_start();
    add(2, 1);
    expect_line(1, ", 2 times");
    CHECK_TEXT(text(), expected);

    expect_start();
    add(LINKS, 1);
    expect_line(1, ", 400 times");
    CHECK_TEXT(text(), expected);
}

TEST(each_run_is_counted_by_itself)
{
    expect_start();
    add(1, 1);
    add(3, 2);
    add(1, 3);
    add(2, 1);
    add(7, 2);
    add(1, 4);
    expect_line(1, "");
    expect_line(2, ", 3 times");
    expect_line(3, "");
    expect_line(1, ", 2 times");
    expect_line(2, ", 7 times");
    expect_line(4, "");
    CHECK_TEXT(text(), expected);
}

// A function that calls itself at two places.
TEST(places_that_alternate_have_lines)
{
    expect_start();
    for (int i = 0; i < 4; i++) {
        add(1, 1);
        add(1, 2);
        expect_line(1, "");
        expect_line(2, "");
    }
    CHECK_TEXT(text(), expected);
}

// Lines count, not calls.
TEST(nine_lines_are_all_there)
{
    expect_start();
    for (int i = 0; i < 9; i++) {
        add(20, i + 1);
        expect_line(i + 1, ", 20 times");
    }
    CHECK_TEXT(text(), expected);
}

TEST(ten_lines_are_cut)
{
    expect_start();
    for (int i = 0; i < 9; i++) {
        add(2, i + 1);
        expect_line(i + 1, ", 2 times");
    }
    add(1, 10);
    expect_text("  ... and 1 more\n");
    CHECK_TEXT(text(), expected);
}

// Of what is cut each call counts.
TEST(calls_beyond_the_lines_are_counted)
{
    expect_start();
    for (int i = 0; i < 9; i++) {
        add(1, i + 1);
        expect_line(i + 1, "");
    }
    add(250, 10);
    add(1, 11);
    add(50, 10);
    expect_text("  ... and 301 more\n");
    CHECK_TEXT(text(), expected);
}

// A way that leads nowhere

static const char *broken_text(uint64_t rbp)
{
    struct trap_frame frame = {
        .rip = (uint64_t)backtrace,
        .rbp = (uint64_t)chain,
    };

    chain[links - 1].rbp = rbp;
    captured_start();
    backtrace(&frame);
    return captured.text;
}

TEST(broken_link_after_repeats_is_told)
{
    expect_start();
    add(5, 1);
    expect_line(1, ", 5 times");
    expect_text("  no way on from rbp 0000000000000008\n");
    CHECK_TEXT(broken_text(8), expected);

    expect_start();
    add(5, 1);
    add(6, 2);
    expect_line(1, ", 5 times");
    expect_line(2, ", 6 times");
    expect_text("  no way on from rbp 0000800000000000\n");
    CHECK_TEXT(broken_text(0x800000000000), expected);
}

static void check_loop_to(const void *link)
{
    expect_start();
    add(5, 1);
    expect_line(1, ", 5 times");
    snprintf(expected + strlen(expected), 80,
             "  no way on from rbp %016lx\n", (uint64_t)link);
    CHECK_TEXT(broken_text((uint64_t)link), expected);
}

TEST(loop_of_the_same_call_ends)
{
    check_loop_to(&chain[1]);
    check_loop_to(&chain[4]);
}

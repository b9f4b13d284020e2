// print.c: what heap_print says is so.

#include "slabs.h"

#include "03-exceptions/captured.h"

#include "printf.h"

#define TITLE   "blocks of   in use     free   frames\n"
#define NOTHING "0 large blocks, of 0 frames\n"

static const char *printed(void)
{
    captured_start();
    heap_print();
    return captured.text;
}

// The line of a class, in the way of TITLE.
static const char *line_of(size_t size, size_t used, size_t free,
                           size_t frames)
{
    static char line[80];

    snprintf(line, sizeof(line), "%9zu  %7zu  %7zu  %7zu\n", size, used,
             free, frames);
    return line;
}

static void check_line(size_t size, size_t used, size_t free,
                       size_t frames)
{
    static char expected[200];

    snprintf(expected, sizeof(expected), "%s%s%s", TITLE,
             line_of(size, used, free, frames), NOTHING);
    CHECK_TEXT(printed(), expected);
}

TEST(nothing_is_printed_of_an_empty_heap)
{
    heap_trim();
    CHECK_TEXT(printed(), TITLE NOTHING);
}

// As many as in two frames and three more, and then fewer and fewer.
static void check_class(size_t size)
{
    struct layout l = layout_of(size);
    size_t blocks   = 2 * l.count + 1;

    for (size_t i = 1; i <= blocks; i++) {
        size_t frames = (i - 1) / l.count + 1;

        own(size);
        check_line(l.gap, i, frames * l.count - i, frames);
    }
    for (size_t i = blocks; i > 1; i--) {
        disown();
        CHECK(contains(printed(),
                       line_of(l.gap, i - 1, l.count - i + 1, 1)) ||
              i - 1 > l.count ||
              contains(printed(),
                       line_of(l.gap, i - 1, 2 * l.count - i + 1, 2)));
    }
    disown();
    check_line(l.gap, 0, l.count, 1);
    heap_trim();
}

TEST(small_blocks_are_counted)
{
    check_class(30);
    check_class(64);
    check_class(500);
    check_class(SMALL_END - 1);
}

TEST(classes_are_printed_in_the_order_of_size)
{
    static char expected[400];
    size_t length  = 0;
    size_t sizes[] = {16, 100, 1800};

    heap_trim();
    length += snprintf(expected, sizeof(expected), TITLE);
    for (int i = 0; i < 3; i++) {
        struct layout l = layout_of(sizes[i]);

        length += snprintf(expected + length, sizeof(expected) - length,
                           "%s", line_of(l.gap, 1, l.count - 1, 1));
    }
    snprintf(expected + length, sizeof(expected) - length, NOTHING);
    for (int i = 2; i >= 0; i--)
        own(sizes[i]);
    CHECK_TEXT(printed(), expected);
    disown_all();
    heap_trim();
}

static void check_large(size_t blocks, size_t frames)
{
    char expected[100];

    snprintf(expected, sizeof(expected),
             TITLE "%zu large blocks, of %zu frames\n", blocks, frames);
    CHECK_TEXT(printed(), expected);
}

TEST(large_blocks_are_counted)
{
    void *a, *b, *c;

    heap_trim();
    a = kmalloc(PAGE_SIZE - OVERHEAD);
    check_large(1, 1);
    b = kmalloc(7 * PAGE_SIZE - OVERHEAD);
    check_large(2, 8);
    c = krealloc(a, 2 * PAGE_SIZE - OVERHEAD + 1);
    check_large(2, 10);
    kfree(b);
    check_large(1, 3);
    CHECK(kmalloc(1ul << 40) == NULL);
    check_large(1, 3);
    kfree(c);
    CHECK_TEXT(printed(), TITLE NOTHING);
}

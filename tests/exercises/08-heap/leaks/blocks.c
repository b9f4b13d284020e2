// blocks.c: many functions, and the blocks that they hold. check.py
// makes a kernel of it with DEBUG=heap.

#include "03-exceptions/captured.h"

#include "heap.h"
#include "printf.h"

// Not static, so that no compiler makes variants with other names.
#define HOLDER(name) \
    void *name(size_t size); \
    __attribute__((noinline)) void *name(size_t size) \
    { \
        return kmalloc(size); \
    }

HOLDER(one)
HOLDER(two)
HOLDER(three)
HOLDER(four)

// What heap_leaks says, with one blank between two words.
static const char *leaks(void)
{
    static char text[sizeof(captured.text)];
    size_t length = 0;

    captured_start();
    heap_leaks();
    for (size_t i = 0; i < captured.length; i++) {
        bool is_inner = length > 0 && text[length - 1] != '\n';
        char c        = captured.text[i];

        if (c == '\n' && is_inner && text[length - 1] == ' ')
            length--;
        if (c != ' ' || (is_inner && text[length - 1] != ' '))
            text[length++] = c;
    }
    text[length] = '\0';
    return text;
}

enum { MOST = 4000 };

static void *blocks[MOST];
static int count;

static void *keep(void *block)
{
    blocks[count++] = block;
    return block;
}

static void drop_all(void)
{
    while (count > 0)
        kfree(blocks[--count]);
}

TEST(nobody_has_a_block)
{
    CHECK_TEXT(leaks(), "");
}

TEST(block_is_told_by_what_was_asked_for)
{
    keep(one(1));
    CHECK_TEXT(leaks(), "1 1 one\n");
    keep(one(99));
    CHECK_TEXT(leaks(), "100 2 one\n");
    keep(one(0));
    CHECK_TEXT(leaks(), "100 3 one\n");
    drop_all();
    CHECK_TEXT(leaks(), "");
}

TEST(most_bytes_come_first)
{
    keep(one(50));
    keep(one(50));
    keep(one(50));
    keep(two(1000));
    keep(three(100));
    keep(four(0));
    CHECK_TEXT(leaks(),
               "1000 1 two\n150 3 one\n100 1 three\n0 1 four\n");
    keep(three(60));
    CHECK_TEXT(leaks(),
               "1000 1 two\n160 2 three\n150 3 one\n0 1 four\n");
    drop_all();
}

TEST(free_blocks_do_not_count)
{
    void *mine = one(200), *yours = two(100);

    keep(one(10));
    kfree(mine);
    CHECK_TEXT(leaks(), "100 1 two\n10 1 one\n");
    kfree(yours);
    CHECK_TEXT(leaks(), "10 1 one\n");
    drop_all();
    CHECK_TEXT(leaks(), "");
}

// Of all sizes, in frames that are full and in others.
TEST(many_blocks)
{
    size_t bytes[2] = {0, 0};
    char text[100];

    for (size_t i = 0; i < 3000; i++) {
        size_t size = i * 7919 % 1800;

        keep(i % 3 == 0 ? one(size) : two(size));
        bytes[i % 3 != 0] += size;
    }
    snprintf(text, sizeof(text), "%zu 2000 two\n%zu 1000 one\n",
             bytes[1], bytes[0]);
    CHECK_TEXT(leaks(), text);
    drop_all();
    CHECK_TEXT(leaks(), "");
}

// One function, several calls

void *several(int which);

__attribute__((noinline)) void *several(int which)
{
    switch (which) {
    case 0:
        return kmalloc(10);
    case 1:
        return kcalloc(10, 10);
    case 2:
        return krealloc(kmalloc(20), 1000);
    }
    return krealloc(NULL, 300);
}

TEST(calls_of_one_function_are_one)
{
    keep(two(500));
    for (int i = 0; i < 4; i++)
        keep(several(i));
    CHECK_TEXT(leaks(), "1410 4 several\n500 1 two\n");
    drop_all();
}

void *enlarge(void *block, size_t size);

__attribute__((noinline)) void *enlarge(void *block, size_t size)
{
    return krealloc(block, size);
}

TEST(block_is_whose_who_called_krealloc)
{
    keep(enlarge(one(10), 40));
    CHECK_TEXT(leaks(), "40 1 enlarge\n");
    drop_all();
}

TEST(large_blocks_are_left_out)
{
    keep(one(100000));
    keep(two(10));
    CHECK_TEXT(leaks(), "10 1 two\n");
    drop_all();
}

// A hundred functions

#define TEN(name) \
    HOLDER(name##0) \
    HOLDER(name##1) \
    HOLDER(name##2) \
    HOLDER(name##3) \
    HOLDER(name##4) \
    HOLDER(name##5) \
    HOLDER(name##6) \
    HOLDER(name##7) \
    HOLDER(name##8) \
    HOLDER(name##9)

// clang-format off
#define TEN_NAMES(name) \
    {name##0, #name "0"}, {name##1, #name "1"}, {name##2, #name "2"}, \
    {name##3, #name "3"}, {name##4, #name "4"}, {name##5, #name "5"}, \
    {name##6, #name "6"}, {name##7, #name "7"}, {name##8, #name "8"}, \
    {name##9, #name "9"}

TEN(a) TEN(b) TEN(c) TEN(d) TEN(e) TEN(f) TEN(g) TEN(h) TEN(i) TEN(j)

static const struct {
    void *(*function)(size_t size);
    const char *name;
} holders[] = {
    TEN_NAMES(a), TEN_NAMES(b), TEN_NAMES(c), TEN_NAMES(d),
    TEN_NAMES(e), TEN_NAMES(f), TEN_NAMES(g), TEN_NAMES(h),
    TEN_NAMES(i), TEN_NAMES(j),
};
// clang-format on

enum { HOLDERS = sizeof(holders) / sizeof(holders[0]) };

// In an order that is not that of their places.
TEST(hundred_functions)
{
    static char text[sizeof(captured.text)];
    size_t length = 0;

    for (int i = 0; i < HOLDERS; i++) {
        const int which = i * 37 % HOLDERS;

        keep(holders[which].function(1000 - i));
        length += snprintf(text + length, sizeof(text) - length,
                           "%d 1 %s\n", 1000 - i, holders[which].name);
    }
    CHECK_TEXT(leaks(), text);
    drop_all();
}

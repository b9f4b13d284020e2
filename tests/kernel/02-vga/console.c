// console.c: each sink gets each character.

#include "ktap.h"

#include "console.h"
#include "printf.h"
#include "string.h"

struct record {
    char text[64];
    size_t length;
};

static struct record first, second;

static void record(struct record *r, char c)
{
    if (r->length < sizeof(r->text) - 1)
        r->text[r->length++] = c;
}

static void first_sink(char c)
{
    record(&first, c);
}

// Knows that the first sink comes first.
static void second_sink(char c)
{
    CHECK_EQ(first.text[first.length - 1], c);
    record(&second, c);
}

// One test, because sinks can only be added.
TEST(each_sink_gets_what_comes_after_it)
{
    console_putc('a');
    CHECK_EQ(printf("lost\n"), 5);

    console_add_sink(first_sink);
    console_putc('b');
    console_putc('\n');
    CHECK_TEXT(first.text, "b\n");
    CHECK_EQ(second.length, 0);

    console_add_sink(second_sink);
    CHECK_EQ(printf("%d\t%s%c", 42, "\xe9\n", '\0'), 6);
    CHECK_EQ(first.length, 8);
    CHECK_EQ(memcmp(first.text, "b\n42\t\xe9\n", 8), 0);
    CHECK_EQ(second.length, 6);
    CHECK_EQ(memcmp(second.text, "42\t\xe9\n", 6), 0);
}

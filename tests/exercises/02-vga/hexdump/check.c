// check.c: reads what hexdump has printed, line by line. Of what the
// text of the exercise leaves open it takes any choice: in which column
// the characters are, and whether the digits are small or capital.

#include "ktap.h"

#include "console.h"
#include "hexdump.h"
#include "string.h"

enum { PER_LINE = 16 };

static char printed[4096];
static size_t length;
static const char *at;  // how far printed has been read

static void sink(char c)
{
    if (length < sizeof(printed) - 1)
        printed[length++] = c;
}

static void dump(const void *address, size_t size)
{
    static bool listening;

    if (!listening)
        console_add_sink(sink);
    listening = true;
    memset(printed, 0, sizeof(printed));
    length = 0;
    at     = printed;
    hexdump(address, size);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// A number in hexadecimal; how many digits it has, 0 if none is here.
static int read_number(uint64_t *number)
{
    int digits = 0;

    for (*number = 0; digit(*at) >= 0; at++, digits++)
        *number = *number << 4 | digit(*at);
    return digits;
}

static int read_spaces(void)
{
    int count = 0;

    for (; *at == ' '; at++)
        count++;
    return count;
}

// Reads one line; the column in which its characters begin, or -1.
static int read_line(const uint8_t *bytes, size_t count)
{
    const char *start = at;
    uint64_t number;
    int column;

    if (!CHECK_EQ(read_number(&number), 16) ||  // digits of the address
        !CHECK_EQ(number, bytes))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (!CHECK_EQ(read_spaces(), i == 0 ? 2 : 1) ||  // before it
            !CHECK_EQ(read_number(&number), 2) ||        // digits
            !CHECK_EQ(number, bytes[i]))
            return -1;
    if (!CHECK(read_spaces() > 0))  // before the characters
        return -1;
    column = at - start;
    if (!CHECK_EQ(*at++, '|'))
        return -1;
    for (size_t i = 0; i < count; i++) {
        bool printable = bytes[i] >= ' ' && bytes[i] <= '~';

        if (!CHECK_EQ(*at++, printable ? bytes[i] : '.'))
            return -1;
    }
    return CHECK_EQ(*at++, '|') && CHECK_EQ(*at++, '\n') ? column : -1;
}

// The same, and if something is wrong the line is told.
static int check_line(const uint8_t *bytes, size_t count)
{
    const char *start = at;
    int column        = read_line(bytes, count);
    char line[100];
    size_t i = 0;

    if (column < 0) {
        for (; start[i] > '\n' && i < sizeof(line) - 1; i++)
            line[i] = start[i];
        line[i] = '\0';
        CHECK_TEXT(line, "a line as in the exercise");
    }
    return column;
}

TEST(nothing_prints_nothing)
{
    dump("abc", 0);
    CHECK_EQ(length, 0);
}

TEST(one_full_line)
{
    static const char text[] = "Trapframe, 0123.";

    dump(text, PER_LINE);
    check_line((const uint8_t *)text, PER_LINE);
    CHECK_TEXT(at, "");
}

TEST(every_byte_has_its_digits_and_its_character)
{
    static uint8_t bytes[256];

    for (int i = 0; i < 256; i++)
        bytes[i] = i;
    dump(bytes, sizeof(bytes));
    for (int i = 0; i < 256; i += PER_LINE)
        if (check_line(bytes + i, PER_LINE) < 0)
            return;
    CHECK_TEXT(at, "");
}

TEST(characters_have_one_column_whatever_the_size)
{
    static const char text[] = "twenty-three characters";
    const uint8_t *bytes     = (const uint8_t *)text;

    for (size_t size = 1; size < sizeof(text); size++) {
        size_t first = size < PER_LINE ? size : PER_LINE;
        int full, column;

        dump(text, PER_LINE);
        full = check_line(bytes, PER_LINE);
        dump(text, size);
        column = check_line(bytes, first);
        if (column >= 0 && size > PER_LINE)
            column = check_line(bytes + PER_LINE, size - PER_LINE);
        if (column < 0 || !CHECK_EQ(column, full) ||
            !CHECK_TEXT(at, ""))
            return;
    }
}

TEST(address_is_where_it_begins)
{
    static _Alignas(16) const uint8_t bytes[32] = {1, 2, 3};

    dump(bytes + 3, 20);
    if (check_line(bytes + 3, PER_LINE) >= 0 &&
        check_line(bytes + 3 + PER_LINE, 4) >= 0)
        CHECK_TEXT(at, "");
}

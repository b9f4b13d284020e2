// terminal.c: from what terminals send to characters and keys.

#include "ktap.h"

#include <stddef.h>

#include "input.h"
#include "terminal.h"

static struct terminal terminal;
static int keys[16];

// Decodes bytes that make no more than so many keys; how many.
static int decode(const char *bytes)
{
    int count = 0;

    for (; *bytes != '\0'; bytes++) {
        int key = terminal_decode(&terminal, *bytes);

        if (key != KEY_NONE && CHECK(count < 16))
            keys[count++] = key;
    }
    return count;
}

static void start(void)
{
    terminal = (struct terminal){0};
}

// And that what comes next is text again.
static void check_key(const char *bytes, int key)
{
    CHECK_EQ(decode(bytes), key != KEY_NONE);
    if (key != KEY_NONE)
        CHECK_EQ(keys[0], key);
    CHECK_EQ(decode("a"), 1);
    CHECK_EQ(keys[0], 'a');
}

TEST(text_is_itself)
{
    start();
    for (int c = 1; c < 0x100; c++) {
        if (c == '\r' || c == 0x1b || c == 0x7f)
            continue;
        CHECK_EQ(terminal_decode(&terminal, c), c);
    }
}

TEST(keys_that_have_two_codes)
{
    start();
    check_key("\r", '\n');
    check_key("\n", '\n');
    check_key("\x7f", '\b');
    check_key("\b", '\b');
}

static const struct {
    const char *bytes;
    int key;
} sequences[] = {
    // xterm, and consoles in its manner
    {"\x1b[A", KEY_UP},
    {"\x1b[B", KEY_DOWN},
    {"\x1b[C", KEY_RIGHT},
    {"\x1b[D", KEY_LEFT},
    {"\x1b[H", KEY_HOME},
    {"\x1b[F", KEY_END},
    // the same while the keypad is switched to another mode
    {"\x1bOA", KEY_UP},
    {"\x1bOB", KEY_DOWN},
    {"\x1bOC", KEY_RIGHT},
    {"\x1bOD", KEY_LEFT},
    {"\x1bOH", KEY_HOME},
    {"\x1bOF", KEY_END},
    // VT220, the Linux console, screen; rxvt
    {"\x1b[1~", KEY_HOME},
    {"\x1b[2~", KEY_INSERT},
    {"\x1b[3~", KEY_DELETE},
    {"\x1b[4~", KEY_END},
    {"\x1b[5~", KEY_PAGE_UP},
    {"\x1b[6~", KEY_PAGE_DOWN},
    {"\x1b[7~", KEY_HOME},
    {"\x1b[8~", KEY_END},
    // with Ctrl, or Shift, held
    {"\x1b[1;5A", KEY_UP},
    {"\x1b[1;2D", KEY_LEFT},
    {"\x1b[1;5H", KEY_HOME},
    {"\x1b[3;7~", KEY_DELETE},
    {"\x1b[5;3~", KEY_PAGE_UP},
    // keys that are none here
    {"\x1bOP", KEY_NONE},
    {"\x1b[11~", KEY_NONE},
    {"\x1b[15~", KEY_NONE},
    {"\x1b[24~", KEY_NONE},
    {"\x1b[31~", KEY_NONE},
    {"\x1b[33~", KEY_NONE},
    {"\x1b[0~", KEY_NONE},
    {"\x1b[9~", KEY_NONE},
    {"\x1b[~", KEY_NONE},
    {"\x1b[Z", KEY_NONE},
    {"\x1b[E", KEY_NONE},
    {"\x1b[G", KEY_NONE},
    {"\x1b[25;80R", KEY_NONE},
};

enum { SEQUENCES = sizeof(sequences) / sizeof(sequences[0]) };

TEST(every_sequence)
{
    start();
    for (int i = 0; i < SEQUENCES; i++)
        check_key(sequences[i].bytes, sequences[i].key);
}

// What one leaves behind is nothing to the next.
TEST(every_sequence_after_every_other)
{
    start();
    for (int i = 0; i < SEQUENCES; i++)
        for (int j = 0; j < SEQUENCES; j++) {
            decode(sequences[i].bytes);
            CHECK_EQ(decode(sequences[j].bytes),
                     sequences[j].key != KEY_NONE);
            if (sequences[j].key != KEY_NONE)
                CHECK_EQ(keys[0], sequences[j].key);
        }
}

TEST(numbers_do_not_become_others)
{
    start();
    check_key("\x1b[03~", KEY_DELETE);
    check_key("\x1b[103~", KEY_NONE);
    check_key("\x1b[99999999993~", KEY_NONE);
    check_key("\x1b[4294967299~", KEY_NONE);
    check_key("\x1b[18446744073709551619~", KEY_NONE);
}

TEST(sequences_that_mean_nothing)
{
    start();
    check_key("\x1b[?25h", KEY_NONE);
    check_key("\x1b[>0;10;1c", KEY_NONE);
    check_key("\x1b[1003~", KEY_NONE);
    check_key("\x1b[1;2$y", KEY_NONE);
}

TEST(escape_takes_one_character)
{
    start();
    CHECK_EQ(decode("\x1b"
                    "ab"),
             1);
    CHECK_EQ(keys[0], 'b');
    CHECK_EQ(decode("\x1b"
                    "b[A"),
             2);
    CHECK_EQ(keys[0], '[');
    CHECK_EQ(keys[1], 'A');
}

// The key Escape, and then another.
TEST(escape_begins_anew)
{
    start();
    check_key("\x1b\x1b[A", KEY_UP);
    check_key("\x1b\x1b\x1b[3~", KEY_DELETE);
    check_key("\x1b[\x1b[A", KEY_UP);
    check_key("\x1b[5\x1b[3~", KEY_DELETE);
    check_key("\x1bO\x1bOB", KEY_DOWN);
}

TEST(characters_may_follow_at_once)
{
    start();
    CHECK_EQ(decode("x\x1b[Dy\x1b[3~\rz"), 6);
    CHECK_EQ(keys[0], 'x');
    CHECK_EQ(keys[1], KEY_LEFT);
    CHECK_EQ(keys[2], 'y');
    CHECK_EQ(keys[3], KEY_DELETE);
    CHECK_EQ(keys[4], '\n');
    CHECK_EQ(keys[5], 'z');
}

TEST(terminals_are_apart)
{
    struct terminal another = {0};

    start();
    CHECK_EQ(decode("\x1b["), 0);
    CHECK_EQ(terminal_decode(&another, 'A'), 'A');
    CHECK_EQ(decode("A"), 1);
    CHECK_EQ(keys[0], KEY_UP);
}

static uint32_t seed;

static uint8_t random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 16;
}

static bool is_key(int key)
{
    return (key >= KEY_NONE && key <= 0xff && key != '\r' &&
            key != 0x1b && key != 0x7f) ||
           (key >= KEY_UP && key <= KEY_DELETE);
}

static uint8_t likely(void)
{
    static const char bytes[] =
        "\x1b\x1b\x1b[[O;;0123456789ABCDFH~\r\x7f";

    return random() % 4 ? bytes[random() % (sizeof(bytes) - 1)]
                        : random();
}

// A newline ends whatever it was.
TEST(any_bytes_leave_a_terminal_that_works)
{
    start();
    for (int i = 0; i < 5000; i++) {
        int length = random() % 24;

        for (int j = 0; j < length; j++)
            CHECK(is_key(terminal_decode(&terminal, likely())));
        terminal_decode(&terminal, '\n');
        check_key("b", 'b');
        check_key("\x1b[3~", KEY_DELETE);
    }
}

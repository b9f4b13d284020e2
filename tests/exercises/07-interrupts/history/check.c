// check.c: types at line_read, and looks at the row of the screen.

#include "ktap.h"

#include <stddef.h>

#include "console.h"
#include "idt.h"
#include "input.h"
#include "interrupts.h"
#include "line.h"
#include "printf.h"
#include "string.h"

enum { COLUMNS = 80, KEPT = 8 };

static struct {
    char row[COLUMNS + 1];
    size_t column;
    bool wrong;  // what no row can show, or no console does
} screen;

// What a console does. At the newline the row has been seen.
static void show(char c)
{
    if (c == '\n')
        return;
    if (c == '\r')
        screen.column = 0;
    else if (c == '\b' && screen.column > 0)
        screen.column--;
    else if (c >= ' ' && c <= '~' && screen.column < COLUMNS)
        screen.row[screen.column++] = c;
    else
        screen.wrong = true;
}

static void type(const char *text)
{
    for (; *text != '\0'; text++)
        input_put(*text);
}

static void press(int key, int times)
{
    while (times-- > 0)
        input_put(key);
}

// Two buffers in turn, neither of which outlives its call.
static const char *read(void)
{
    static char text[LINE_MAX + 1], buffers[2][LINE_MAX + 2];
    static int calls;
    char *buffer = buffers[calls++ % 2];

    if (calls == 1) {
        idt_init();
        interrupts_init();
        console_add_sink(show);
    }
    screen.column = 0;
    screen.wrong  = false;
    memset(screen.row, ' ', COLUMNS);
    printf("kernel>");
    buffer[LINE_MAX + 1] = '#';
    line_read(buffer);
    CHECK_EQ(buffer[LINE_MAX + 1], '#');
    memcpy(text, buffer, sizeof(text));
    memset(buffers, '!', sizeof(buffers));
    return text;
}

static void check_row(const char *text, const char *end)
{
    char row[COLUMNS + 1];
    size_t length = COLUMNS;

    while (length > 0 && screen.row[length - 1] == ' ')
        length--;
    screen.row[length] = '\0';
    snprintf(row, sizeof(row), "kernel>%s%s", text, end);
    CHECK_TEXT(screen.row, row);
    CHECK(!screen.wrong);
}

// Ends the line: which one was it?
static void check_line(const char *expected)
{
    input_put('\n');
    CHECK_TEXT(read(), expected);
    check_row(expected, "");
}

// Leaves the line, so that nothing is kept. The cursor tells where it
// was, by the ^C.
static void check_left(const char *expected)
{
    input_put(CTRL('C'));
    CHECK_TEXT(read(), "");
    check_row(expected, "^C");
}

static void enter(const char *text)
{
    type(text);
    check_line(text);
}

static void check_up(int times, const char *expected)
{
    press(KEY_UP, times);
    check_left(expected);
}

// Before anything is kept; noted once, for the test below.
static char rows[5][COLUMNS + 1];

static void note(int which)
{
    input_put(CTRL('C'));
    read();
    memcpy(rows[which], screen.row, COLUMNS);
}

static void note_first(void)
{
    type("x");
    press(KEY_UP, 1);
    note(0);
    type("x");
    press(KEY_DOWN, 1);
    note(1);
    enter("a");
    press(KEY_UP, 5);
    note(2);
    enter("b");
    press(KEY_UP, 5);
    note(3);
    press(KEY_UP, 5);
    press(KEY_DOWN, 1);
    note(4);
}

// The last lines are "filler 0" to "filler 7".
static void begin(void)
{
    if (rows[0][0] == '\0')
        note_first();
    for (int i = 0; i < KEPT; i++) {
        char text[20];

        snprintf(text, sizeof(text), "filler %d", i);
        enter(text);
    }
}

static void check_first(int which, const char *expected)
{
    memcpy(screen.row, rows[which], COLUMNS);
    check_row(expected, "^C");
}

TEST(there_are_no_lines_before_the_first)
{
    begin();
    check_first(0, "x");
    check_first(1, "x");
    check_first(2, "a");
    check_first(3, "a");
    check_first(4, "b");
}

TEST(up_is_the_line_before)
{
    begin();
    enter("uptime");
    check_up(1, "uptime");
    enter("mem");
    check_up(1, "mem");
    check_up(2, "uptime");
    check_up(3, "filler 7");
}

TEST(eight_lines_are_kept)
{
    begin();
    for (int times = 1; times <= KEPT; times++) {
        char text[20];

        snprintf(text, sizeof(text), "filler %d", KEPT - times);
        check_up(times, text);
    }
}

// So many that counters wrap around.
TEST(lines_of_a_long_day)
{
    for (int i = 0; i < 700; i++) {
        char text[20];

        snprintf(text, sizeof(text), "line %d", i);
        enter(text);
        snprintf(text, sizeof(text), "line %d", i - KEPT + 1);
        if (i >= KEPT - 1)
            check_up(KEPT, text);
    }
}

TEST(enter_takes_the_line)
{
    begin();
    press(KEY_UP, 2);
    check_line("filler 6");
    check_up(1, "filler 6");
    check_up(2, "filler 7");
    check_up(3, "filler 6");
}

TEST(down_is_the_line_after)
{
    begin();
    press(KEY_UP, 5);
    press(KEY_DOWN, 1);
    check_left("filler 4");
    press(KEY_UP, 5);
    press(KEY_DOWN, 4);
    check_left("filler 7");
}

TEST(down_comes_back_to_what_was_being_typed)
{
    begin();
    type("being typed");
    press(KEY_UP, 1);
    press(KEY_DOWN, 1);
    check_left("being typed");
    type("being typed");
    press(KEY_UP, 3);
    press(KEY_DOWN, 9);
    check_line("being typed");
    type("no up before");
    press(KEY_DOWN, 2);
    check_left("no up before");
    press(KEY_UP, 1);
    press(KEY_DOWN, 1);
    check_left("");
    type("cursor");
    press(KEY_LEFT, 4);
    press(KEY_UP, 2);
    press(KEY_DOWN, 2);
    check_left("cursor");
}

TEST(typing_goes_on_after_it)
{
    begin();
    type("ab");
    press(KEY_UP, 2);
    press(KEY_DOWN, 2);
    type("cd");
    press(KEY_UP, 1);
    press(KEY_DOWN, 1);
    press('\b', 1);
    type("e");
    press(KEY_UP, 3);
    press(KEY_DOWN, 3);
    check_line("abce");
}

TEST(line_can_be_edited)
{
    begin();
    press(KEY_UP, 1);
    type("!");
    check_left("filler 7!");
    press(KEY_UP, 1);
    press(KEY_HOME, 1);
    press(KEY_DELETE, 1);
    check_line("iller 7");
    press(KEY_UP, 2);
    press(CTRL('U'), 1);
    type("new");
    check_line("new");
}

TEST(editing_does_not_change_what_is_kept)
{
    begin();
    press(KEY_UP, 1);
    type("!");
    check_line("filler 7!");
    check_up(1, "filler 7!");
    check_up(2, "filler 7");
    press(KEY_UP, 3);
    press('\b', 8);
    type("left");
    check_left("left");
    check_up(3, "filler 6");
}

TEST(edit_is_lost_when_it_is_left)
{
    begin();
    press(KEY_UP, 2);
    type("!");
    press(KEY_UP, 1);
    press(KEY_DOWN, 1);
    check_left("filler 6");
    type("typed");
    press(KEY_UP, 1);
    type("!");
    press(KEY_DOWN, 1);
    check_left("typed");
    type("typed");
    press(KEY_UP, 1);
    press(CTRL('U'), 1);
    press(KEY_DOWN, 1);
    press(KEY_UP, 1);
    check_left("filler 7");
}

TEST(empty_lines_are_not_kept)
{
    begin();
    enter("");
    enter("");
    check_up(1, "filler 7");
    type("deleted");
    press('\b', 7);
    check_line("");
    check_up(2, "filler 6");
}

TEST(lines_that_are_left_are_not_kept)
{
    begin();
    type("left");
    check_left("left");
    check_up(1, "filler 7");
}

TEST(repetition_of_the_last_is_not_kept)
{
    begin();
    enter("mem");
    enter("mem");
    enter("");
    enter("mem");
    press(KEY_UP, 1);
    check_line("mem");
    check_up(1, "mem");
    check_up(2, "filler 7");
}

TEST(other_lines_are_no_repetition)
{
    begin();
    enter("memory");
    enter("mem");
    enter("memory");
    enter(" memory");
    check_up(1, " memory");
    check_up(2, "memory");
    check_up(3, "mem");
    check_up(4, "memory");
    check_up(5, "filler 7");
}

#define FIFTY      "12345678901234567890123456789012345678901234567890"
#define ONE_LONG   FIFTY "abcdefghijklmn"
#define OTHER_LONG FIFTY "abcdefghijklmN"

_Static_assert(sizeof(ONE_LONG) == LINE_MAX + 1, "as long as a line");

TEST(lines_that_are_as_long_as_can_be)
{
    begin();
    enter(ONE_LONG);
    enter(OTHER_LONG);
    check_up(1, OTHER_LONG);
    check_up(2, ONE_LONG);
    press(KEY_UP, 2);
    type("no room");
    check_left(ONE_LONG);
    type(ONE_LONG);
    press(KEY_UP, 3);
    press(KEY_DOWN, 3);
    check_line(ONE_LONG);
}

// A blank has to go where the longer one was, wherever its cursor was.
TEST(row_shows_nothing_else)
{
    begin();
    enter(ONE_LONG);
    enter("x");
    press(KEY_UP, 2);
    press(KEY_DOWN, 1);
    check_left("x");
    type(ONE_LONG);
    press(KEY_HOME, 1);
    press(KEY_UP, 1);
    check_left("x");
    type(ONE_LONG);
    press(KEY_LEFT, 20);
    press(KEY_UP, 3);
    check_left("filler 7");
}

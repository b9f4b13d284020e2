// line.c: editing a line. The keys come from an interrupt, one each
// time the editor waits for one, and before that what the screen shows
// is compared with what it should.

#include "taken.h"

#include "console.h"
#include "lines.h"
#include "line.h"
#include "string.h"

enum { PROMPT = 8, COLUMNS = 80, SESSION = 10000 };

// The screen's last row

static struct {
    char row[COLUMNS];
    int column;
    char left[COLUMNS + 1];  // the row before, up to where it ended
    int newlines;
} screen;

static bool sees;  // are we the ones who print?

static void screen_putc(char c)
{
    if (!sees)
        return;
    if (c == '\b') {
        if (CHECK(screen.column > PROMPT))
            screen.column--;
    } else if (c == '\n') {
        memcpy(screen.left, screen.row, COLUMNS);
        screen.left[screen.column] = '\0';
        memset(screen.row, ' ', COLUMNS);
        screen.column = 0;
        screen.newlines++;
    } else if (CHECK(c >= ' ' && c <= '~' &&
                     screen.column < PROMPT + LINE_MAX)) {
        screen.row[screen.column++] = c;
    }
}

static void prompt(void)
{
    memset(screen.row, ' ', COLUMNS);
    memset(screen.row, '>', PROMPT);
    screen.column   = PROMPT;
    screen.newlines = 0;
}

// What the line should be

static struct {
    char text[LINE_MAX + 1];
    int size, cursor;
} model;

static void model_erase(int from, int to)
{
    memmove(model.text + from, model.text + to, model.size - to);
    model.size -= to - from;
    model.cursor = from;
}

static void model_insert(char c)
{
    if (model.size == LINE_MAX)
        return;
    memmove(model.text + model.cursor + 1, model.text + model.cursor,
            model.size - model.cursor);
    model.text[model.cursor++] = c;
    model.size++;
}

static void model_key(int key)
{
    if (key == KEY_LEFT && model.cursor > 0)
        model.cursor--;
    else if (key == KEY_RIGHT && model.cursor < model.size)
        model.cursor++;
    else if (key == KEY_HOME || key == 1)
        model.cursor = 0;
    else if (key == KEY_END || key == 5)
        model.cursor = model.size;
    else if (key == '\b' && model.cursor > 0)
        model_erase(model.cursor - 1, model.cursor);
    else if (key == KEY_DELETE && model.cursor < model.size)
        model_erase(model.cursor, model.cursor + 1);
    else if (key == 21)
        model_erase(0, model.cursor);
    else if (key == 11)
        model_erase(model.cursor, model.size);
    else if (key >= ' ' && key <= '~')
        model_insert(key);
}

static void compare(void)
{
    char expected[COLUMNS];

    memset(expected, ' ', COLUMNS);
    memset(expected, '>', PROMPT);
    memcpy(expected + PROMPT, model.text, model.size);
    CHECK(memcmp(screen.row, expected, COLUMNS) == 0);
    CHECK_EQ(screen.column, PROMPT + model.cursor);
    CHECK_EQ(screen.newlines, 0);
}

// Typing

static int (*next_key)(void);
static int last_key;

// One key only: the program goes on with interrupts disabled, as it
// would an instruction later.
static void type(struct trap_frame *frame)
{
    frame->rflags &= ~(uint64_t)RFLAGS_IF;
    if (last_key == '\n' || last_key == CTRL('C'))
        return;
    compare();
    last_key = next_key();
    if (last_key != '\n' && last_key != CTRL('C'))
        model_key(last_key);
    input_put(last_key);
}

// The line stays raised: whenever interrupts are enabled there is one.
static void start(void)
{
    static bool added;

    quiet();
    take_all();
    if (!added)
        console_add_sink(screen_putc);
    added = true;
    outb(EDGE_LEVEL, 1 << free_line);
    interrupt_set_handler(free_line, type);
    raise_line(free_line);
}

// One line, from its first key to its end.
static void read(void)
{
    struct {
        char buffer[LINE_MAX + 1];
        char behind[8];
    } line;

    memset(&line, '#', sizeof(line));
    prompt();
    model.size = model.cursor = 0;
    last_key                  = KEY_NONE;
    sees                      = true;
    line_read(line.buffer);
    sees = false;
    CHECK(memcmp(line.behind, "########", 8) == 0);
    CHECK_EQ(screen.newlines, 1);
    CHECK_EQ(screen.column, 0);
    if (last_key == '\n') {
        CHECK_EQ(strlen(line.buffer), model.size);
        CHECK(memcmp(line.buffer, model.text, model.size) == 0);
        CHECK_EQ(strlen(screen.left), PROMPT + model.cursor);
    } else {
        CHECK_EQ(line.buffer[0], '\0');
        CHECK_TEXT(screen.left + PROMPT + model.cursor, "^C");
    }
}

static const int *script;

static int next_of_script(void)
{
    return *script++;
}

// A line that ends as the keys do; what it should be.
#define CHECK_LINE(text, ...) \
    check_line(text, (const int[]){__VA_ARGS__}, __LINE__)

static void check_line(const char *text, const int *keys, unsigned line)
{
    start();
    script   = keys;
    next_key = next_of_script;
    read();
    model.text[model.size] = '\0';
    ktap_check_text(model.text, text, __FILE__, line, "the line");
    quiet();
}

TEST(typed_line_is_read)
{
    CHECK_LINE("", '\n');
    CHECK_LINE("a", 'a', '\n');
    CHECK_LINE("help me", 'h', 'e', 'l', 'p', ' ', 'm', 'e', '\n');
    CHECK_LINE(" ~!", ' ', '~', '!', '\n');
}

TEST(characters_are_inserted_at_the_cursor)
{
    CHECK_LINE("abc", 'b', KEY_LEFT, 'a', KEY_RIGHT, 'c', '\n');
    CHECK_LINE("xabcy", 'a', 'b', 'c', KEY_HOME, 'x', KEY_END, 'y',
               '\n');
    CHECK_LINE("xaby", 'a', 'b', CTRL('A'), 'x', CTRL('E'), 'y', '\n');
}

TEST(cursor_stays_in_the_line)
{
    CHECK_LINE("ba", KEY_LEFT, KEY_RIGHT, 'a', KEY_RIGHT, KEY_LEFT,
               KEY_LEFT, KEY_LEFT, 'b', '\n');
}

TEST(characters_are_deleted)
{
    CHECK_LINE("ac", 'a', 'b', '\b', 'c', '\n');
    CHECK_LINE("bc", 'a', 'b', 'c', KEY_HOME, KEY_DELETE, '\n');
    CHECK_LINE("ac", 'a', 'b', 'c', KEY_LEFT, '\b', '\n');
    CHECK_LINE("b", '\b', 'b', KEY_HOME, '\b', KEY_END, KEY_DELETE,
               '\n');
}

TEST(many_characters_are_deleted)
{
    CHECK_LINE("cd", 'a', 'b', 'c', 'd', KEY_LEFT, KEY_LEFT, CTRL('U'),
               '\n');
    CHECK_LINE("ab", 'a', 'b', 'c', 'd', KEY_LEFT, KEY_LEFT, CTRL('K'),
               '\n');
    CHECK_LINE("e", 'a', 'b', CTRL('U'), CTRL('U'), CTRL('K'), 'e',
               CTRL('K'), '\n');
}

TEST(left_line_is_empty)
{
    CHECK_LINE("", CTRL('C'));
    CHECK_LINE("abc", 'a', 'b', 'c', CTRL('C'));
    CHECK_LINE("abc", 'a', 'b', 'c', KEY_LEFT, KEY_LEFT, CTRL('C'));
}

TEST(other_keys_are_no_characters)
{
    CHECK_LINE("ab", 'a', KEY_UP, KEY_DOWN, KEY_PAGE_UP, KEY_PAGE_DOWN,
               KEY_INSERT, '\t', 0x1b, CTRL('B'), CTRL('L'), 0x7f, 0x80,
               0xff, 'b', '\n');
}

static int typed;

static int next_of_full_line(void)
{
    typed++;
    return typed <= LINE_MAX + 5    ? 'a' + typed % 26
           : typed == LINE_MAX + 6  ? KEY_HOME
           : typed <= LINE_MAX + 9  ? 'X'
           : typed == LINE_MAX + 10 ? '\b'
           : typed == LINE_MAX + 11 ? KEY_DELETE
           : typed <= LINE_MAX + 14 ? 'Y'
           : typed == LINE_MAX + 15 ? CTRL('K')
                                    : '\n';
}

TEST(full_line_takes_no_more)
{
    start();
    typed    = 0;
    next_key = next_of_full_line;
    read();
    quiet();
    CHECK_EQ(model.size, 1);
    CHECK_EQ(model.text[0], 'Y');
}

// A session

static uint32_t seed;

static unsigned random(unsigned count)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % count;
}

static int keys_left;

// Most lines are short; in some so much is typed that they are full.
static int next_at_random(void)
{
    static const int keys[] = {
        KEY_LEFT,  KEY_RIGHT,  KEY_HOME, KEY_END, '\b',      KEY_LEFT,
        KEY_RIGHT, KEY_DELETE, KEY_LEFT, '\b',    CTRL('A'), CTRL('E'),
        CTRL('U'), CTRL('K'),  KEY_UP,   '\t',    0x90,
    };
    unsigned choice = random(100);

    if (--keys_left <= 0 || choice == 0)
        return choice % 2 ? CTRL('C') : '\n';
    if (choice < (keys_left / 500 % 2 ? 90u : 45u))
        return ' ' + random('~' - ' ' + 1);
    return keys[random(sizeof(keys) / sizeof(keys[0]))];
}

TEST(session_of_10000_keys)
{
    start();
    keys_left = SESSION;
    next_key  = next_at_random;
    while (keys_left > 0)
        read();
    quiet();
}

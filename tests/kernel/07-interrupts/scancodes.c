// scancodes.c: from scan codes to characters and keys.

#include "ktap.h"

#include <stddef.h>

#include "input.h"
#include "scancodes.h"
#include "string.h"

enum {
    CTRL_CODE   = 0x1d,
    LEFT_SHIFT  = 0x2a,
    RIGHT_SHIFT = 0x36,
    ALT         = 0x38,
    CAPS_LOCK   = 0x3a,
    EXTENDED    = 0xe0,
    PAUSE       = 0xe1,
    UP          = 0x80,  // with a code: released
    CODE_A      = 0x1e,
    CODES       = 0x60,  // with UP, those behind would be prefixes
};

// The keyboard row by row: the first code, and what it and the next
// ones make. Microsoft, "Keyboard Scan Code Specification", "Key Scan
// Codes".
static const struct {
    int first;
    const char *plain, *shifted;
} rows[] = {
    {0x01, "\x1b", "\x1b"},
    {0x02, "1234567890-=", "!@#$%^&*()_+"},
    {0x0e, "\b", "\b"},
    {0x0f, "\t", "\t"},
    {0x10, "qwertyuiop[]", "QWERTYUIOP{}"},
    {0x1c, "\n", "\n"},
    {0x1e, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
    {0x2b, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
    {0x37, "*", "*"},
    {0x39, " ", " "},
    {0x47, "789-456+1230.", "789-456+1230."},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct {
    int code, key;
} extended_keys[] = {
    {0x1c, '\n'},          {0x35, '/'},         {0x47, KEY_HOME},
    {0x48, KEY_UP},        {0x49, KEY_PAGE_UP}, {0x4b, KEY_LEFT},
    {0x4d, KEY_RIGHT},     {0x4f, KEY_END},     {0x50, KEY_DOWN},
    {0x51, KEY_PAGE_DOWN}, {0x52, KEY_INSERT},  {0x53, KEY_DELETE},
};

enum {
    EXTENDED_KEYS = sizeof(extended_keys) / sizeof(extended_keys[0])
};

static struct scancodes state;

static void start(void)
{
    state = (struct scancodes){0};
}

static int send(uint8_t code)
{
    return scancode_decode(&state, code);
}

// Codes that are part of no character.
static void hold(uint8_t code)
{
    CHECK_EQ(send(code), KEY_NONE);
}

static void hold_extended(uint8_t code)
{
    hold(EXTENDED);
    hold(code);
}

// A key is pressed and released.
static int type(uint8_t code)
{
    int key = send(code);

    CHECK_EQ(send(code | UP), KEY_NONE);
    return key;
}

static void check_a(int expected)
{
    CHECK_EQ(type(CODE_A), expected);
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static int plain_of(int code, bool shifted)
{
    for (int i = 0; i < ROWS; i++) {
        int place = code - rows[i].first;

        if (place >= 0 && place < (int)strlen(rows[i].plain))
            return (shifted ? rows[i].shifted : rows[i].plain)[place];
    }
    return KEY_NONE;
}

static bool is_modifier(int code)
{
    return code == CTRL_CODE || code == LEFT_SHIFT ||
           code == RIGHT_SHIFT || code == CAPS_LOCK;
}

// All codes of one byte with all that can be held: the characters are
// those of the table, and all other keys are none.
static void check_all(bool shift, bool caps, bool ctrl)
{
    for (int code = 1; code < CODES; code++) {
        int c = plain_of(code, false), expected;

        if (is_modifier(code))
            continue;
        expected = plain_of(code, is_letter(c) ? shift != caps : shift);
        if (ctrl)
            expected = is_letter(c) ? c - 'a' + 1 : KEY_NONE;
        CHECK_EQ(type(code), expected);
    }
}

TEST(every_key_plain_and_shifted_and_with_caps_lock)
{
    for (int held = 0; held < 8; held++) {
        start();
        if (held & 1)
            hold(held & 4 ? LEFT_SHIFT : RIGHT_SHIFT);
        if (held & 2)
            type(CAPS_LOCK);
        check_all(held & 1, held & 2, false);
    }
}

TEST(every_key_with_ctrl)
{
    for (int held = 0; held < 8; held++) {
        start();
        if (held & 4)
            hold_extended(CTRL_CODE);
        else
            hold(CTRL_CODE);
        if (held & 1)
            hold(LEFT_SHIFT);
        if (held & 2)
            type(CAPS_LOCK);
        check_all(held & 1, held & 2, true);
    }
}

TEST(held_key_repeats)
{
    start();
    for (int i = 0; i < 10; i++)
        CHECK_EQ(send(CODE_A), 'a');
    hold(CODE_A | UP);
    check_a('a');
}

TEST(other_keys_change_nothing)
{
    start();
    for (int code = 0x3b; code < CODES; code++)
        if (plain_of(code, false) == KEY_NONE)
            hold(code);
    hold(ALT);
    hold_extended(ALT);
    check_a('a');
    CHECK_EQ(state.caps_lock, false);
}

// One shift may be released while the other is still held.
TEST(two_shifts)
{
    static const uint8_t shifts[] = {LEFT_SHIFT, RIGHT_SHIFT};

    for (int i = 0; i < 4; i++) {
        uint8_t first = shifts[i & 1], second = shifts[~i & 1];
        uint8_t first_up  = shifts[i >> 1],
                second_up = shifts[~i >> 1 & 1];

        start();
        hold(first);
        check_a('A');
        hold(second);
        check_a('A');
        hold(first_up | UP);
        check_a('A');
        hold(second_up | UP);
        check_a('a');
    }
}

TEST(two_ctrls)
{
    for (int i = 0; i < 2; i++) {
        start();
        hold(CTRL_CODE);
        hold_extended(CTRL_CODE);
        check_a(CTRL('A'));
        if (i == 0)
            hold(CTRL_CODE | UP);
        else
            hold_extended(CTRL_CODE | UP);
        check_a(CTRL('A'));
        if (i == 0)
            hold_extended(CTRL_CODE | UP);
        else
            hold(CTRL_CODE | UP);
        check_a('a');
    }
}

TEST(modifiers_that_repeat_stay)
{
    start();
    for (int i = 0; i < 5; i++)
        hold(LEFT_SHIFT);
    check_a('A');
    hold(LEFT_SHIFT | UP);
    check_a('a');
    for (int i = 0; i < 5; i++)
        hold(CTRL_CODE);
    check_a(CTRL('A'));
    hold(CTRL_CODE | UP);
    check_a('a');
}

TEST(caps_lock_switches_with_each_press)
{
    start();
    for (int i = 0; i < 4; i++) {
        hold(CAPS_LOCK);
        check_a(i % 2 ? 'a' : 'A');
        hold(CAPS_LOCK | UP);
        check_a(i % 2 ? 'a' : 'A');
    }
}

TEST(held_caps_lock_does_not_switch_again)
{
    start();
    for (int i = 0; i < 5; i++)
        hold(CAPS_LOCK);
    check_a('A');
    hold(CAPS_LOCK | UP);
    check_a('A');
    for (int i = 0; i < 4; i++)
        hold(CAPS_LOCK);
    check_a('a');
}

// Extended codes

static int type_extended(uint8_t code)
{
    int key;

    hold(EXTENDED);
    key = send(code);
    hold_extended(code | UP);
    return key;
}

static int extended_key_of(int code)
{
    for (int i = 0; i < EXTENDED_KEYS; i++)
        if (extended_keys[i].code == code)
            return extended_keys[i].key;
    return KEY_NONE;
}

// The shifts among them are those that nobody pressed.
TEST(every_extended_key)
{
    start();
    for (int code = 1; code < CODES; code++) {
        CHECK_EQ(type_extended(code), extended_key_of(code));
        check_a('a');
    }
}

TEST(extended_keys_are_the_same_with_shift)
{
    start();
    hold(LEFT_SHIFT);
    type(CAPS_LOCK);
    for (int code = 1; code < CODES; code++)
        CHECK_EQ(type_extended(code), extended_key_of(code));
    check_a('a');
}

// Left shift is held, and Insert typed: the keyboard lets shift go, as
// it were.
TEST(fake_shifts_change_nothing)
{
    start();
    hold(LEFT_SHIFT);
    hold_extended(LEFT_SHIFT | UP);
    check_a('A');
    CHECK_EQ(type_extended(0x52), KEY_INSERT);
    hold_extended(LEFT_SHIFT);
    check_a('A');
    hold(LEFT_SHIFT | UP);
    check_a('a');
    hold_extended(LEFT_SHIFT);
    hold_extended(RIGHT_SHIFT);
    check_a('a');
}

TEST(print_screen_is_no_key)
{
    start();
    hold_extended(LEFT_SHIFT);
    hold_extended(0x37);
    check_a('a');
    hold_extended(0x37 | UP);
    hold_extended(LEFT_SHIFT | UP);
    check_a('a');
}

static void hold_pause(void)
{
    static const uint8_t codes[] = {PAUSE, 0x1d, 0x45,
                                    PAUSE, 0x9d, 0xc5};

    for (size_t i = 0; i < sizeof(codes); i++)
        hold(codes[i]);
}

// Its codes are those of Ctrl, and of the lock of digits.
TEST(pause_is_no_key_and_not_ctrl)
{
    start();
    hold_pause();
    check_a('a');
    hold(CTRL_CODE);
    hold_pause();
    check_a(CTRL('A'));
    hold(CTRL_CODE | UP);
    hold(LEFT_SHIFT);
    hold_pause();
    hold_pause();
    check_a('A');
}

TEST(pause_takes_five_more_codes)
{
    start();
    hold(PAUSE);
    for (int i = 0; i < 5; i++)
        hold(CODE_A);
    check_a('a');
}

TEST(ctrl_and_pause_is_break)
{
    start();
    hold(CTRL_CODE);
    hold_extended(0x46);
    hold_extended(0xc6);
    hold(CTRL_CODE | UP);
    check_a('a');
}

// What the keyboard answers is no key either: to commands, to the test.
TEST(answers_are_no_keys)
{
    static const uint8_t answers[] = {0xfa, 0xfe, 0xaa,
                                      0xee, 0xfc, 0xfd};

    start();
    for (size_t i = 0; i < sizeof(answers); i++)
        hold(answers[i]);
    check_a('a');
}

// Overrun

static void check_overrun(uint8_t code)
{
    start();
    hold(LEFT_SHIFT);
    hold(RIGHT_SHIFT);
    hold(CTRL_CODE);
    hold_extended(CTRL_CODE);
    hold(code);
    check_a('a');
    hold(CAPS_LOCK);
    hold(code);
    check_a('A');
    hold(CAPS_LOCK);  // its release has not been told
    check_a('a');
}

TEST(overrun_releases_all_keys_but_not_caps_lock)
{
    check_overrun(0x00);
    check_overrun(0xff);
}

TEST(overrun_ends_what_has_begun)
{
    start();
    hold(EXTENDED);
    hold(0xff);
    CHECK_EQ(type(0x48), '8');
    hold(PAUSE);
    hold(0x00);
    check_a('a');
}

// Anything

static uint32_t seed;

static uint8_t random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 16;
}

static bool is_key(int key)
{
    return (key >= KEY_NONE && key < 0x7f) ||
           (key >= KEY_UP && key <= KEY_DELETE);
}

static void release_all(void)
{
    for (int i = 0; i < 6; i++)
        hold(LEFT_SHIFT | UP);
    hold(RIGHT_SHIFT | UP);
    hold(CTRL_CODE | UP);
    hold_extended(CTRL_CODE | UP);
}

TEST(any_codes_leave_a_keyboard_that_works)
{
    start();
    for (int i = 0; i < 5000; i++) {
        int length = random() % 24;

        for (int j = 0; j < length; j++)
            CHECK(is_key(send(random())));
        if (i % 2)
            hold(i % 4 == 1 ? 0x00 : 0xff);
        else
            release_all();
        check_a(state.caps_lock ? 'A' : 'a');
        CHECK_EQ(type_extended(0x48), KEY_UP);
    }
}

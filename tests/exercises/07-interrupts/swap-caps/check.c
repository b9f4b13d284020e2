// check.c: types with the keys Caps Lock and left Ctrl, code by code.

#include "ktap.h"

#include <stddef.h>

#include "input.h"
#include "scancodes.h"

enum {
    CODES    = 0x54,
    EXTENDED = 0xe0,
    RELEASED = 0x80,

    CAPS_LOCK   = 0x3a,
    LEFT_CTRL   = 0x1d,
    LEFT_SHIFT  = 0x2a,
    RIGHT_SHIFT = 0x36,
    A           = 0x1e,
    C           = 0x2e,
    ONE         = 0x02,
    NOTHING     = 0x00,
};

static struct scancodes state;

static int decode(uint8_t code)
{
    return scancode_decode(&state, code);
}

static void begin(void)
{
    state = (struct scancodes){0};
}

// Presses and releases a key; what the press gives.
static int stroke(uint8_t code)
{
    int key = decode(code);

    CHECK_EQ(decode(code | RELEASED), KEY_NONE);
    return key;
}

static void right_ctrl(bool pressed)
{
    decode(EXTENDED);
    decode(LEFT_CTRL | (pressed ? 0 : RELEASED));
}

TEST(caps_lock_is_ctrl_while_held)
{
    begin();
    CHECK_EQ(decode(CAPS_LOCK), KEY_NONE);
    CHECK_EQ(stroke(C), CTRL('C'));
    CHECK_EQ(stroke(A), CTRL('A'));
    CHECK_EQ(stroke(ONE), KEY_NONE);
    CHECK_EQ(decode(CAPS_LOCK | RELEASED), KEY_NONE);
    CHECK_EQ(stroke(C), 'c');
    CHECK_EQ(stroke(ONE), '1');
}

TEST(caps_lock_may_repeat)
{
    begin();
    for (int i = 0; i < 5; i++) {
        decode(CAPS_LOCK);
        CHECK_EQ(stroke(C), CTRL('C'));
    }
    decode(CAPS_LOCK | RELEASED);
    CHECK_EQ(stroke(C), 'c');
}

TEST(left_ctrl_is_caps_lock)
{
    begin();
    CHECK_EQ(stroke(LEFT_CTRL), KEY_NONE);
    CHECK_EQ(stroke(C), 'C');
    CHECK_EQ(stroke(ONE), '1');
    decode(LEFT_SHIFT);
    CHECK_EQ(stroke(C), 'c');
    decode(LEFT_SHIFT | RELEASED);
    CHECK_EQ(stroke(LEFT_CTRL), KEY_NONE);
    CHECK_EQ(stroke(C), 'c');
}

TEST(left_ctrl_may_repeat)
{
    for (int times = 1; times < 6; times++) {
        begin();
        for (int i = 0; i < times; i++)
            decode(LEFT_CTRL);
        CHECK_EQ(stroke(C), 'C');
        decode(LEFT_CTRL | RELEASED);
        CHECK_EQ(stroke(C), 'C');
        stroke(LEFT_CTRL);
        CHECK_EQ(stroke(C), 'c');
    }
}

// Its code is that of the left one, behind 0xe0.
TEST(right_ctrl_stays_ctrl)
{
    begin();
    right_ctrl(true);
    CHECK_EQ(stroke(C), CTRL('C'));
    right_ctrl(true);
    CHECK_EQ(stroke(C), CTRL('C'));
    right_ctrl(false);
    CHECK_EQ(stroke(C), 'c');
}

TEST(two_keys_are_ctrl)
{
    begin();
    decode(CAPS_LOCK);
    right_ctrl(true);
    CHECK_EQ(stroke(C), CTRL('C'));
    right_ctrl(false);
    CHECK_EQ(stroke(C), CTRL('C'));
    right_ctrl(true);
    decode(CAPS_LOCK | RELEASED);
    CHECK_EQ(stroke(C), CTRL('C'));
    right_ctrl(false);
    CHECK_EQ(stroke(C), 'c');
}

// Ctrl wins over what the lock does, as it did.
TEST(both_at_once)
{
    begin();
    stroke(LEFT_CTRL);
    decode(CAPS_LOCK);
    CHECK_EQ(stroke(C), CTRL('C'));
    stroke(LEFT_CTRL);
    CHECK_EQ(stroke(C), CTRL('C'));
    decode(CAPS_LOCK | RELEASED);
    CHECK_EQ(stroke(C), 'c');
}

// Pause sends the code of Ctrl as well.
TEST(pause_is_neither)
{
    static const uint8_t codes[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};

    begin();
    for (size_t i = 0; i < sizeof(codes); i++)
        CHECK_EQ(decode(codes[i]), KEY_NONE);
    CHECK_EQ(stroke(C), 'c');
}

TEST(overrun_ends_ctrl_and_keeps_the_lock)
{
    begin();
    stroke(LEFT_CTRL);
    decode(CAPS_LOCK);
    decode(NOTHING);
    CHECK_EQ(stroke(C), 'C');
    stroke(LEFT_CTRL);
    CHECK_EQ(stroke(C), 'c');
}

// All that the tables have, as it was.
static void check_keys(const char *expected)
{
    for (uint8_t code = 1; code < CODES; code++)
        if (code != LEFT_CTRL && code != CAPS_LOCK &&
            code != LEFT_SHIFT && code != RIGHT_SHIFT)
            CHECK_EQ(stroke(code), expected[code]);
}

TEST(all_other_keys_are_as_before)
{
    static const char plain[CODES + 1] =
        "\0\x1b"
        "1234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*"
        "\0 \0\0\0\0\0\0\0\0\0\0\0\0\0"
        "789-456+1230.";
    static const char shifted[CODES + 1] =
        "\0\x1b"
        "!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*"
        "\0 \0\0\0\0\0\0\0\0\0\0\0\0\0"
        "789-456+1230.";

    begin();
    check_keys(plain);
    decode(LEFT_SHIFT);
    check_keys(shifted);
    decode(RIGHT_SHIFT);
    decode(LEFT_SHIFT | RELEASED);
    check_keys(shifted);
    decode(RIGHT_SHIFT | RELEASED);
    check_keys(plain);
    decode(EXTENDED);
    CHECK_EQ(decode(0x48), KEY_UP);
}

// scancodes.c: scan codes of set 1. A key sends its code when it is
// pressed, again and again while it is held, and the code with bit 7
// set when it is released. Keys that the first PC did not have send the
// code of a relative with 0xe0 before it: the right Ctrl that of the
// left one, the arrows those of the digits they shared a key with.
// Microsoft, "Keyboard Scan Code Specification".

#include "scancodes.h"

#include "input.h"

enum {
    CODE_CTRL        = 0x1d,
    CODE_LEFT_SHIFT  = 0x2a,
    CODE_RIGHT_SHIFT = 0x36,
    CODE_CAPS_LOCK   = 0x3a,
    CODE_EXTENDED    = 0xe0,
    CODE_PAUSE       = 0xe1,  // five more follow
    CODE_OVERRUN     = 0x00,  // more keys than the keyboard could note
    CODE_OVERRUN_2   = 0xff,
    CODE_RELEASED    = 0x80,

    PAUSE_LENGTH = 5,
};

enum { CODES = 0x54 };  // of set 1 without 0xe0, but for two

#define ESCAPE "\x1b"

static const char plain[CODES + 1] = "\0" ESCAPE "1234567890-=\b"
                                     "\tqwertyuiop[]\n\0"
                                     "asdfghjkl;'`\0\\"
                                     "zxcvbnm,./\0*\0 \0"
                                     "\0\0\0\0\0\0\0\0\0\0\0\0"
                                     "789-456+1230.";

static const char shifted[CODES + 1] = "\0" ESCAPE "!@#$%^&*()_+\b"
                                       "\tQWERTYUIOP{}\n\0"
                                       "ASDFGHJKL:\"~\0|"
                                       "ZXCVBNM<>?\0*\0 \0"
                                       "\0\0\0\0\0\0\0\0\0\0\0\0"
                                       "789-456+1230.";

static const uint16_t extended[CODES] = {
    [0x1c] = '\n',          [0x35] = '/',         [0x47] = KEY_HOME,
    [0x48] = KEY_UP,        [0x49] = KEY_PAGE_UP, [0x4b] = KEY_LEFT,
    [0x4d] = KEY_RIGHT,     [0x4f] = KEY_END,     [0x50] = KEY_DOWN,
    [0x51] = KEY_PAGE_DOWN, [0x52] = KEY_INSERT,  [0x53] = KEY_DELETE,
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A held key sends its code again, and must not switch back.
static void press_caps_lock(struct scancodes *state, bool pressed)
{
    if (pressed && !state->caps_held)
        state->caps_lock = !state->caps_lock;
    state->caps_held = pressed;
}

// False: the code is of none of these keys.
static bool modify(struct scancodes *state, uint8_t code, bool pressed)
{
    switch (code) {
    case CODE_LEFT_SHIFT:
        state->left_shift = pressed;
        return true;
    case CODE_RIGHT_SHIFT:
        state->right_shift = pressed;
        return true;
    case CODE_CTRL:
        state->left_ctrl = pressed;
        return true;
    case CODE_CAPS_LOCK:
        press_caps_lock(state, pressed);
        return true;
    }
    return false;
}

// The keyboard puts shifts that nobody pressed around some keys.
static int decode_extended(struct scancodes *state, uint8_t code,
                           bool pressed)
{
    if (code == CODE_CTRL)
        state->right_ctrl = pressed;
    return pressed && code < CODES ? extended[code] : KEY_NONE;
}

static int character(const struct scancodes *state, uint8_t code)
{
    bool shift = state->left_shift || state->right_shift;
    char c     = plain[code];

    if (state->left_ctrl || state->right_ctrl)
        return is_letter(c) ? CTRL(c) : KEY_NONE;
    if (is_letter(c) && state->caps_lock)
        shift = !shift;
    return shift ? shifted[code] : c;
}

// Of keys released meanwhile nothing was said: take them all for it.
static int overrun(struct scancodes *state)
{
    *state = (struct scancodes){.caps_lock = state->caps_lock};
    return KEY_NONE;
}

int scancode_decode(struct scancodes *state, uint8_t code)
{
    bool pressed     = (code & CODE_RELEASED) == 0;
    bool is_extended = state->extended;

    if (code == CODE_OVERRUN || code == CODE_OVERRUN_2)
        return overrun(state);
    if (state->skip > 0) {
        state->skip--;
        return KEY_NONE;
    }
    if (code == CODE_PAUSE)
        state->skip = PAUSE_LENGTH;
    state->extended = code == CODE_EXTENDED;
    if (code == CODE_PAUSE || code == CODE_EXTENDED)
        return KEY_NONE;
    code &= ~CODE_RELEASED;
    if (is_extended)
        return decode_extended(state, code, pressed);
    if (modify(state, code, pressed) || !pressed || code >= CODES)
        return KEY_NONE;
    return character(state, code);
}

// scancodes.c: any bytes as a keyboard's scan codes. The model knows
// the keys as rows of a keyboard, and what is held as a list.

#include "scancodes.h"

#include "host/host.h"
#include "input.h"

// Where a row begins, and its keys without and with Shift.
static const struct row {
    uint8_t code;
    const char *plain, *shifted;
} rows[] = {
    {0x01,
     "\x1b"
     "1234567890-=\b\tqwertyuiop[]\n",
     "\x1b"
     "!@#$%^&*()_+\b\tQWERTYUIOP{}\n"},
    {0x1e, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
    {0x2b, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
    {0x37, "*", "*"},
    {0x39, " ", " "},
    {0x47, "789-456+1230.", "789-456+1230."},
};

// Behind 0xe0.
static const struct {
    uint8_t code;
    int key;
} extended[] = {
    {0x1c, '\n'},          {0x35, '/'},         {0x47, KEY_HOME},
    {0x48, KEY_UP},        {0x49, KEY_PAGE_UP}, {0x4b, KEY_LEFT},
    {0x4d, KEY_RIGHT},     {0x4f, KEY_END},     {0x50, KEY_DOWN},
    {0x51, KEY_PAGE_DOWN}, {0x52, KEY_INSERT},  {0x53, KEY_DELETE},
};

enum { LEFT_SHIFT = 0x2a, RIGHT_SHIFT = 0x36, CTRL_KEY = 0x1d };
enum { CAPS_LOCK = 0x3a, RIGHT = 0x80 };

static struct {
    bool held[256];  // by code; behind 0xe0: with RIGHT
    bool caps_lock, after_e0;
    int skip;
} model;

static int plain_key(uint8_t code, bool shifted)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct row *row = &rows[i];

        if (code >= row->code && code < row->code + strlen(row->plain))
            return (shifted ? row->shifted
                            : row->plain)[code - row->code];
    }
    return KEY_NONE;
}

static int extended_key(uint8_t code)
{
    for (size_t i = 0; i < sizeof(extended) / sizeof(*extended); i++)
        if (extended[i].code == code)
            return extended[i].key;
    return KEY_NONE;
}

static int typed(uint8_t code)
{
    bool shifted  = model.held[LEFT_SHIFT] || model.held[RIGHT_SHIFT];
    int key       = plain_key(code, false);
    bool is_lower = key >= 'a' && key <= 'z';

    if (model.held[CTRL_KEY] || model.held[CTRL_KEY | RIGHT])
        return is_lower ? key - 'a' + 1 : KEY_NONE;
    return plain_key(code, shifted != (is_lower && model.caps_lock));
}

static int press(uint8_t code, bool after_e0)
{
    uint8_t place = after_e0 ? code | RIGHT : code;
    bool again    = model.held[place];

    model.held[place] = true;
    if (after_e0)
        return extended_key(code);
    if (code == CAPS_LOCK && !again)
        model.caps_lock = !model.caps_lock;
    return typed(code);
}

static int expected(uint8_t byte)
{
    bool after_e0 = model.after_e0;

    if (byte == 0x00 || byte == 0xff) {
        memset(&model.held, 0, sizeof(model.held));
        model.after_e0 = false;
        model.skip     = 0;
        return KEY_NONE;
    }
    if (model.skip > 0) {
        model.skip--;
        return KEY_NONE;
    }
    model.after_e0 = byte == 0xe0;
    if (byte == 0xe1)
        model.skip = 5;
    if (byte == 0xe0 || byte == 0xe1)
        return KEY_NONE;
    if (byte < 0x80)
        return press(byte, after_e0);
    model.held[after_e0 ? byte : byte & 0x7f] = false;
    return KEY_NONE;
}

static void check_allowed(int key)
{
    CHECK(key == KEY_NONE || key == 0x1b || (key >= 1 && key <= 26) ||
          (key >= ' ' && key <= '~') ||
          (key >= KEY_UP && key <= KEY_DELETE));
}

static void check_state(const struct scancodes *state)
{
    CHECK(state->skip >= 0 && state->skip <= 5);
    CHECK(state->left_shift == model.held[LEFT_SHIFT]);
    CHECK(state->right_shift == model.held[RIGHT_SHIFT]);
    CHECK(state->left_ctrl == model.held[CTRL_KEY]);
    CHECK(state->right_ctrl == model.held[CTRL_KEY | RIGHT]);
    CHECK(state->caps_lock == model.caps_lock);
}

// Whatever came before: once all is released, a is an a again.
static void check_released(struct scancodes *state)
{
    static const uint8_t release[] = {0xff, 0xaa, 0xb6, 0x9d,
                                      0xe0, 0x9d, 0xba, 0x1e};
    int key                        = KEY_NONE;

    for (size_t i = 0; i < sizeof(release); i++)
        key = scancode_decode(state, release[i]);
    CHECK(key == (model.caps_lock ? 'A' : 'a'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scancodes state = {0};

    memset(&model, 0, sizeof(model));
    for (size_t i = 0; i < size; i++) {
        int key = scancode_decode(&state, data[i]);

        check_allowed(key);
        CHECK(key == expected(data[i]));
        check_state(&state);
    }
    check_released(&state);
    return 0;
}

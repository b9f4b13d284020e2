// terminal.c: any bytes as what a terminal sends. The model keeps the
// bytes of a sequence and reads them when it is whole.

#include "terminal.h"

#include "host/host.h"
#include "input.h"

enum { ESCAPE = 0x1b, LONG = 1024 };

static char sequence[LONG];  // from ESC on; empty: none has begun
static size_t length;

// A number has no sign and no blank before it.
static unsigned long number_at(const char *text)
{
    return *text >= '0' && *text <= '9' ? strtoul(text, NULL, 10) : 0;
}

static int numbered(const char *digits)
{
    static const int keys[] = {KEY_NONE,      KEY_HOME, KEY_INSERT,
                               KEY_DELETE,    KEY_END,  KEY_PAGE_UP,
                               KEY_PAGE_DOWN, KEY_HOME, KEY_END};
    unsigned long number    = number_at(digits);

    return number < sizeof(keys) / sizeof(*keys) ? keys[number]
                                                 : KEY_NONE;
}

static int lettered(char last)
{
    static const char letters[] = "ABCDFH";
    static const int keys[]     = {KEY_UP,   KEY_DOWN, KEY_RIGHT,
                                   KEY_LEFT, KEY_END,  KEY_HOME};
    const char *found           = last ? strchr(letters, last) : NULL;

    if (last == '~')
        return numbered(sequence + 2);
    return found ? keys[found - letters] : KEY_NONE;
}

static int in_sequence(uint8_t byte)
{
    if (length < LONG - 1)
        sequence[length++] = byte;
    sequence[length] = '\0';
    if (length == 2 && (byte == '[' || byte == 'O'))
        return KEY_NONE;
    if (length > 2 && byte >= ' ' && byte < '@')
        return KEY_NONE;
    if (length > 2) {
        length = 0;
        return lettered(byte);
    }
    length = 0;
    return KEY_NONE;
}

static int expected(uint8_t byte)
{
    if (byte == ESCAPE) {
        sequence[0] = ESCAPE;
        length      = 1;
        return KEY_NONE;
    }
    if (length > 0)
        return in_sequence(byte);
    if (byte == '\r')
        return '\n';
    return byte == 0x7f ? '\b' : byte;
}

static void check_state(const struct terminal *terminal)
{
    CHECK(terminal->state <= TERMINAL_REST);
    CHECK(terminal->number >= 0 && terminal->number < 10000);
}

// Whatever came before: behind the end of a sequence, a is an a.
static void check_recovery(struct terminal *terminal)
{
    CHECK(terminal_decode(terminal, ESCAPE) == KEY_NONE);
    CHECK(terminal_decode(terminal, '[') == KEY_NONE);
    CHECK(terminal_decode(terminal, 'A') == KEY_UP);
    CHECK(terminal_decode(terminal, 'a') == 'a');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct terminal terminal = {0};

    length = 0;
    for (size_t i = 0; i < size; i++) {
        int key = terminal_decode(&terminal, data[i]);

        CHECK(key == expected(data[i]));
        CHECK(key >= 0 && key <= KEY_DELETE);
        check_state(&terminal);
    }
    check_recovery(&terminal);
    return 0;
}

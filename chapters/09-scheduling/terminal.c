// terminal.c: keys that are no characters are sent as ESC, [ or O,
// perhaps a number, and a letter or ~. ECMA-48, "Control Functions for
// Coded Character Sets"; xterm manual, "Control Sequences".

#include "terminal.h"

#include <stdbool.h>

#include "input.h"

enum { ESCAPE = 0x1b, DELETE = 0x7f };

// By number: ESC [ 3 ~ is the key Delete.
static int numbered(int number)
{
    switch (number) {
    case 1:
    case 7:
        return KEY_HOME;
    case 2:
        return KEY_INSERT;
    case 3:
        return KEY_DELETE;
    case 4:
    case 8:
        return KEY_END;
    case 5:
        return KEY_PAGE_UP;
    case 6:
        return KEY_PAGE_DOWN;
    }
    return KEY_NONE;
}

static int lettered(const struct terminal *terminal, uint8_t byte)
{
    switch (byte) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return KEY_RIGHT;
    case 'D':
        return KEY_LEFT;
    case 'F':
        return KEY_END;
    case 'H':
        return KEY_HOME;
    case '~':
        return numbered(terminal->number);
    }
    return KEY_NONE;
}

// The first number says which key. Others, behind semicolons, say what
// was held down with it. What is below '@' does not end the sequence.
static int in_sequence(struct terminal *terminal, uint8_t byte)
{
    bool is_digit = byte >= '0' && byte <= '9';

    if (terminal->state == TERMINAL_NUMBER && is_digit) {
        if (terminal->number < 1000)
            terminal->number = terminal->number * 10 + byte - '0';
        return KEY_NONE;
    }
    if (byte >= ' ' && byte < '@') {
        terminal->state = TERMINAL_REST;
        return KEY_NONE;
    }
    terminal->state = TERMINAL_TEXT;
    return lettered(terminal, byte);
}

static int in_text(uint8_t byte)
{
    switch (byte) {
    case '\r':
        return '\n';
    case DELETE:
        return '\b';
    }
    return byte;
}

// ESC begins anew, whatever has begun: it is a key as well.
int terminal_decode(struct terminal *terminal, uint8_t byte)
{
    if (byte == ESCAPE) {
        terminal->state = TERMINAL_ESCAPE;
        return KEY_NONE;
    }
    switch (terminal->state) {
    case TERMINAL_ESCAPE:
        terminal->number = 0;
        terminal->state  = byte == '[' || byte == 'O' ? TERMINAL_NUMBER
                                                      : TERMINAL_TEXT;
        return KEY_NONE;
    case TERMINAL_NUMBER:
    case TERMINAL_REST:
        return in_sequence(terminal, byte);
    default:
        return in_text(byte);
    }
}

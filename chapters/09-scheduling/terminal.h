// terminal.h: what a terminal sends, and what that means.

#pragma once

#include <stdint.h>

// What is known from the bytes before. All zeros in the beginning.
struct terminal {
    enum {
        TERMINAL_TEXT,
        TERMINAL_ESCAPE,  // it was the last byte
        TERMINAL_NUMBER,  // a sequence, up to its first number's end
        TERMINAL_REST,    // and what is behind that
    } state;
    int number;
};

// Takes the next byte. Returns the character or the key of input.h that
// it completes, or KEY_NONE.
int terminal_decode(struct terminal *terminal, uint8_t byte);

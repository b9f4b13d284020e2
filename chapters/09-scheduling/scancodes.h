// scancodes.h: what a keyboard sends, and what that means.

#pragma once

#include <stdbool.h>
#include <stdint.h>

// What is known from the codes before. All zeros in the beginning.
struct scancodes {
    bool left_shift, right_shift, left_ctrl, right_ctrl;  // held down
    bool caps_held, caps_lock;
    bool extended;  // the last code was 0xe0
    int skip;       // codes of the key Pause still to come
};

// Takes the next code of set 1. Returns the character or the key of
// input.h that it completes, of a US keyboard, or KEY_NONE.
int scancode_decode(struct scancodes *state, uint8_t code);

// input.h: what was typed, whatever it was typed on.

#pragma once

#include <stdint.h>

// Characters are themselves; these are keys that are no characters.
enum key {
    KEY_NONE = 0,
    KEY_UP   = 0x100,
    KEY_DOWN,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_HOME,
    KEY_END,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_INSERT,
    KEY_DELETE,
};

// The character that a key makes together with Ctrl: CTRL('C') is 3.
#define CTRL(letter) ((letter)&0x1f)

// Adds a character or a key to what waits to be read; KEY_NONE adds
// nothing. For handlers of interrupts: it does not wait, and loses what
// there is no room for.
void input_put(int key);

// Returns what was typed first. Until there is something, other threads
// run. Not for handlers of interrupts.
int input_get(void);

// Returns how many keys have been lost since the last call.
uint64_t input_lost(void);

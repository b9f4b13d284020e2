// keyboard.h: a PS/2 keyboard.

#pragma once

#include <stdbool.h>

// Starts the keyboard and hears it: what is typed goes to input.h.
// False: there is no controller, or it does not answer.
bool keyboard_init(void);

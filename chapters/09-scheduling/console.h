// console.h: where the kernel's words go: to each sink that was added.

#pragma once

#include <stdbool.h>

typedef void console_sink(char c);

void console_add_sink(console_sink *sink);

// For printf, which prints by console_putc in between: lets the current
// thread alone print. False: it cannot wait, since interrupts are
// disabled. Then it prints at once, and has nothing to unlock.
bool console_lock(void);
void console_unlock(void);

void console_putc(char c);

// panic.h: how the kernel gives up: it says why and where, and halts.

#pragma once

#include "printf.h"

#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)

#define assert(condition) \
    ((condition) ? (void)0 : panic("assertion failed: %s", #condition))

_Noreturn void panic_at(const char *file, int line, const char *format,
                        ...) PRINTF_LIKE(3, 4);

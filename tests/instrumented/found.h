// found.h: how a check tells what it has found, and ends the kernel.

#pragma once

#include <stdint.h>

// Begins what is told; the kernel does not go on. Whatever is found
// while it is told ends it at once.
void found(void);

void say(const char *text);
void say_number(uint64_t n);
void say_hex(uint64_t n);

// Says which function an address belongs to, and how far inside it is.
void say_code(const void *address);

// Ends what is told, and the kernel.
_Noreturn void found_end(void);

// host.h: what all harnesses need: an end for the kernel's panics, what
// the kernel has printed, bytes to draw from.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What has to be so whatever the input is.
#define CHECK(condition) \
    ((condition) ? (void)0 : host_fail(__FILE__, __LINE__, #condition))

_Noreturn void host_fail(const char *file, int line, const char *what);

// Calls a function. False: the kernel has panicked in it, or halted.
// A panic has said why; that is checked.
bool host_run(void (*function)(void *argument), void *argument);

// Leaves what host_run runs, as a panic does.
_Noreturn void host_leave(void);

// What console_putc has been given since the last host_clear.
extern char host_printed[];
extern size_t host_printed_length;
void host_clear(void);

// The bytes of an input. Behind the last one there are zeros.
struct bytes {
    const uint8_t *next, *end;
};

size_t bytes_left(const struct bytes *bytes);
uint8_t take_byte(struct bytes *bytes);
uint64_t take_number(struct bytes *bytes, size_t size);

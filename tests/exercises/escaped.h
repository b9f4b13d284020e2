// escaped.h: a panic halts, and a second one says nothing: there is one
// test of it. Where the panic's line ends, the test goes on.

#pragma once

#include "03-exceptions/captured.h"

#include "console.h"

static void *escaped_to[5];
static bool escape_expected, escaped;

static void escape(char c)
{
    if (escape_expected && c == '\n' &&
        contains(captured.text, "panic at ")) {
        escape_expected = false;
        escaped         = true;
        __builtin_longjmp(escaped_to, 1);
    }
}

// Checks that the statement panics; what it said is in captured.
#define CHECK_PANICS(statement) \
    do { \
        captured_start(); \
        console_add_sink(escape); \
        escape_expected = true; \
        if (__builtin_setjmp(escaped_to) == 0) { \
            statement; \
        } \
        escape_expected = false; \
        CHECK(escaped); \
    } while (0)

// captured.h: what the kernel says about exceptions, for tests to read.

#pragma once

#include "ktap.h"

#include <stddef.h>

#include "console.h"
#include "idt.h"
#include "string.h"

#define END "halted\n"

// Weak: the files of a suite share it, as they share the console.
__attribute__((weak)) struct {
    char text[4096];
    size_t length;
    bool escape;  // at END
    bool added;   // to the console
    void *place[5];
} captured;

static bool captured_ends(const char *end)
{
    size_t length = strlen(end);

    return captured.length >= length &&
           memcmp(captured.text + captured.length - length, end,
                  length) == 0;
}

// A sink of the console. After END nothing follows but halt: the test
// goes on instead, on the stack as it was.
static void captured_putc(char c)
{
    if (captured.length < sizeof(captured.text) - 1)
        captured.text[captured.length++] = c;
    captured.text[captured.length] = '\0';
    if (captured.escape && captured_ends(END)) {
        captured.escape = false;
        __builtin_longjmp(captured.place, 1);
    }
}

// The kernel as a chapter's kernel_main sets it up, and an empty text.
static void captured_start(void)
{
    if (!captured.added)
        console_add_sink(captured_putc);
    captured.added = true;
    idt_init();
    captured.length = 0;
}

// Runs a function that raises an exception nobody handles; what the
// kernel says about it. Null: it came back.
static __attribute__((noinline, unused)) const char *
captured_report(void (*raise)(void))
{
    captured_start();
    if (__builtin_setjmp(captured.place) == 0) {
        captured.escape = true;
        raise();
        captured.escape = false;
        return NULL;
    }
    return captured.text;
}

static __attribute__((unused)) bool begins_with(const char *text,
                                                const char *start)
{
    return text && strlen(text) >= strlen(start) &&
           memcmp(text, start, strlen(start)) == 0;
}

static __attribute__((unused)) bool contains(const char *text,
                                             const char *part)
{
    for (; *text != '\0'; text++)
        if (begins_with(text, part))
            return true;
    return false;
}

// Checks how a text begins. One that does not is told in one line.
static __attribute__((unused)) void
captured_check(const char *text, const char *start, unsigned line)
{
    static char told[sizeof(captured.text)];
    size_t i = 0;

    if (begins_with(text, start))
        return;
    for (; text && text[i] != '\0'; i++)
        told[i] = text[i] == '\n' ? '|' : text[i];
    told[i] = '\0';
    ktap_check(false, __BASE_FILE__, line, told);
}

#define CHECK_BEGINS(text, start) captured_check(text, start, __LINE__)

// Rows and columns of the screen that the text takes.
static __attribute__((unused)) bool fits_screen(const char *text)
{
    int rows = 0, column = 0;

    for (; *text != '\0'; text++) {
        column = *text == '\n' ? 0 : column + 1;
        rows += *text == '\n';
        if (column > 80)
            return false;
    }
    return rows <= 25;
}

// taken.h: all that waits to be read, read.

#pragma once

#include "ktap.h"

#include "input.h"

enum { MARK = 0x1ff, TAKEN_MOST = 1024 };

static int taken[TAKEN_MOST];

// Returns how many keys there were, and leaves none. Nothing has been
// lost afterwards.
static int take_all(void)
{
    int count = 0, key;

    input_lost();
    input_put(MARK);
    while (input_lost() > 0) {
        taken[count++] = input_get();
        input_put(MARK);
    }
    while ((key = input_get()) != MARK && count < TAKEN_MOST)
        taken[count++] = key;
    return count;
}

// Is it this text that waits? It does no longer.
static __attribute__((unused)) bool takes(const char *text)
{
    int count = take_all();

    for (int i = 0; i < count; i++)
        if (text[i] == '\0' || taken[i] != text[i])
            return false;
    return text[count] == '\0';
}

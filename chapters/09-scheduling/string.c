// string.c: bytes copied, filled, compared and counted.
//
// A compiler may turn a loop that copies or fills bytes into a call of
// memcpy or memset. Inside memcpy that would be a call of itself,
// without end. So these two are single instructions, which no compiler
// rewrites.

#include "string.h"

#include <stdint.h>

#include "cpu.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    rep_movsb(to, from, size);
    return to;
}

// Where the areas overlap, what would be overwritten is copied first.
void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *target       = to;
    const uint8_t *source = from;

    if ((uintptr_t)to - (uintptr_t)from >= size)
        return memcpy(to, from, size);
    while (size-- > 0)
        target[size] = source[size];
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    rep_stosb(to, byte, size);
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *left  = a;
    const uint8_t *right = b;

    for (size_t i = 0; i < size; i++)
        if (left[i] != right[i])
            return left[i] - right[i];
    return 0;
}

size_t strlen(const char *text)
{
    return strnlen(text, SIZE_MAX);
}

size_t strnlen(const char *text, size_t limit)
{
    size_t length = 0;

    while (length < limit && text[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (uint8_t)*a - (uint8_t)*b;
}

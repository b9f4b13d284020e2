// string.h: what the compiler may call even in a freestanding program,
// and what the kernel itself needs. C17, 7.24, "String handling".

#pragma once

#include <stddef.h>

// GCC manual, "Language Standards Supported by GCC".
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
int strcmp(const char *a, const char *b);

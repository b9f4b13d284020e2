// printf.h: formatted output. C17, 7.21.6, without floating point.
//
//      %[flags][width][.precision][length]conversion
//
//      flags           - left-justify, 0 pad with zeros
//      width           a number, or * for an int argument
//      precision       the same: least digits, most characters of %s
//                      more than 4095 count as 4095
//      length          hh, h, l, ll, z
//      conversion      d i u x X c s p %
//
// A null string prints as (null), a pointer as 0x and its digits in
// hex. Of any other conversion the argument's size is unknown, and so
// is where the next one lies: from there on the format is printed as it
// stands.

#pragma once

#include <stdarg.h>
#include <stddef.h>

// The compiler checks the arguments, from the first on, against a
// format.
#define PRINTF_LIKE(number, first) \
    __attribute__((format(printf, number, first)))

// To the console. Return the number of characters.
int printf(const char *format, ...) PRINTF_LIKE(1, 2);
int vprintf(const char *format, va_list arguments) PRINTF_LIKE(1, 0);

// To a buffer of size bytes: at most size - 1 characters and, unless
// size is 0, a zero byte. Return how many characters there were to
// write.
int snprintf(char *buffer, size_t size, const char *format, ...)
    PRINTF_LIKE(3, 4);
int vsnprintf(char *buffer, size_t size, const char *format,
              va_list arguments) PRINTF_LIKE(3, 0);

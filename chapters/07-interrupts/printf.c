// printf.c: from a format and its arguments to characters. A directive
// is read into a struct, its argument becomes a field of text, and the
// field is padded.

#include "printf.h"

#include <stdbool.h>
#include <stdint.h>

#include "console.h"
#include "string.h"

struct output {
    void (*put)(struct output *out, char c);
    int length;    // characters put so far
    char *buffer;  // for put_buffer
    size_t size;
};

// A va_list may be an array, and a parameter of an array type is a
// pointer in disguise. A struct that holds one can be passed on by its
// address.
struct arguments {
    va_list list;
};

struct directive {
    bool left, zero;
    int width;
    int precision;  // -1: none
    size_t size;    // of an integer argument, in bytes
    char conversion;
};

// Text before padding: "-", "00", "42" for %.4d of -42.
struct field {
    const char *prefix;
    int zeros;
    const char *text;
    int length;
};

enum { MAX_DIGITS = 20 };  // 2 to the 64th in decimal

// The most that a width or a precision is taken for: as much as C17
// promises. A wrong one must not keep the kernel printing.
enum { MAX_FIELD = 4095 };

static int max(int a, int b)
{
    return a > b ? a : b;
}

static void put_console(struct output *out, char c)
{
    console_putc(c);
    out->length++;
}

static void put_buffer(struct output *out, char c)
{
    if ((size_t)out->length + 1 < out->size)
        out->buffer[out->length] = c;
    out->length++;
}

static void put_repeated(struct output *out, char c, int count)
{
    while (count-- > 0)
        out->put(out, c);
}

static void put_text(struct output *out, const char *text, int length)
{
    for (int i = 0; i < length; i++)
        out->put(out, text[i]);
}

static void put_field(struct output *out, const struct directive *d,
                      const struct field *f)
{
    int prefix  = strlen(f->prefix);
    int padding = d->width - prefix - f->zeros - f->length;

    if (!d->left)
        put_repeated(out, ' ', padding);
    put_text(out, f->prefix, prefix);
    put_repeated(out, '0', f->zeros);
    put_text(out, f->text, f->length);
    if (d->left)
        put_repeated(out, ' ', padding);
}

// Writes the digits backwards, so that they end at end. Zero has none.
static char *write_digits(char *end, uint64_t value, int base,
                          const char *symbols)
{
    for (; value != 0; value /= base)
        *--end = symbols[value % base];
    return end;
}

// How many digits there have to be, zeros in front included.
static int least_digits(const struct directive *d, const char *prefix)
{
    if (d->precision >= 0)
        return d->precision;
    if (d->zero && !d->left)
        return max(1, d->width - (int)strlen(prefix));
    return 1;
}

static void put_number(struct output *out, const struct directive *d,
                       const char *prefix, uint64_t value, int base)
{
    const char *symbols =
        d->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[MAX_DIGITS];
    char *end   = digits + MAX_DIGITS;
    char *first = write_digits(end, value, base, symbols);
    int length  = end - first;
    int zeros   = max(0, least_digits(d, prefix) - length);

    put_field(out, d, &(struct field){prefix, zeros, first, length});
}

static void put_signed(struct output *out, const struct directive *d,
                       int64_t value)
{
    if (value < 0)
        put_number(out, d, "-", -(uint64_t)value, 10);
    else
        put_number(out, d, "", value, 10);
}

static void put_string(struct output *out, const struct directive *d,
                       const char *text)
{
    size_t limit = d->precision < 0 ? SIZE_MAX : (size_t)d->precision;

    if (!text)
        text = "(null)";
    put_field(out, d,
              &(struct field){"", 0, text, strnlen(text, limit)});
}

// What is narrower than int arrives as an int: cut it down to its size.
static uint64_t unsigned_argument(struct arguments *a, size_t size)
{
    if (size == sizeof(uint64_t))
        return va_arg(a->list, uint64_t);
    return va_arg(a->list, unsigned) & (UINT64_MAX >> (64 - 8 * size));
}

static int64_t signed_argument(struct arguments *a, size_t size)
{
    int unused = 64 - 8 * size;  // bits above the sign

    return (int64_t)(unsigned_argument(a, size) << unused) >> unused;
}

// False: there is no such conversion.
static bool put_conversion(struct output *out,
                           const struct directive *d,
                           struct arguments *a)
{
    char c;

    switch (d->conversion) {
    case 'd':
    case 'i':
        put_signed(out, d, signed_argument(a, d->size));
        return true;
    case 'u':
        put_number(out, d, "", unsigned_argument(a, d->size), 10);
        return true;
    case 'x':
    case 'X':
        put_number(out, d, "", unsigned_argument(a, d->size), 16);
        return true;
    case 'p':
        put_number(out, d, "0x", va_arg(a->list, uintptr_t), 16);
        return true;
    case 's':
        put_string(out, d, va_arg(a->list, const char *));
        return true;
    case 'c':
        c = va_arg(a->list, int);
        put_field(out, d, &(struct field){"", 0, &c, 1});
        return true;
    case '%':
        out->put(out, '%');
        return true;
    }
    return false;
}

static int clamp(int number)
{
    return number > MAX_FIELD ? MAX_FIELD : max(number, -MAX_FIELD);
}

static int read_number(const char **format, struct arguments *a)
{
    int number = 0;

    if (**format == '*') {
        (*format)++;
        return clamp(va_arg(a->list, int));
    }
    while (**format >= '0' && **format <= '9')
        number = clamp(number * 10 + *(*format)++ - '0');
    return number;
}

static size_t read_length(const char **format)
{
    size_t size = sizeof(int);

    for (; **format == 'h' && size > 1; (*format)++)
        size /= 2;
    for (; **format == 'l' || **format == 'z'; (*format)++)
        size = sizeof(long);
    return size;
}

// Reads what follows a percent sign and returns where it ends.
static const char *read_directive(const char *format,
                                  struct directive *d,
                                  struct arguments *a)
{
    *d = (struct directive){.precision = -1};
    for (; *format == '-' || *format == '0'; format++)
        *(*format == '-' ? &d->left : &d->zero) = true;
    d->width = read_number(&format, a);
    if (d->width < 0) {  // from an argument
        d->left  = true;
        d->width = -d->width;
    }
    if (*format == '.') {
        format++;
        d->precision = read_number(&format, a);
    }
    d->size       = read_length(&format);
    d->conversion = *format;
    return *format == '\0' ? format : format + 1;
}

static int print(struct output *out, const char *format, va_list list)
{
    struct arguments a;
    struct directive d;

    va_copy(a.list, list);
    while (*format != '\0') {
        const char *start = format++;

        if (*start != '%') {
            out->put(out, *start);
            continue;
        }
        format = read_directive(format, &d, &a);
        if (!put_conversion(out, &d, &a)) {
            put_text(out, start, strlen(start));
            break;
        }
    }
    va_end(a.list);
    return out->length;
}

int vprintf(const char *format, va_list arguments)
{
    struct output out = {.put = put_console};

    return print(&out, format, arguments);
}

int printf(const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vprintf(format, arguments);
    va_end(arguments);
    return length;
}

int vsnprintf(char *buffer, size_t size, const char *format,
              va_list arguments)
{
    struct output out = {put_buffer, 0, buffer, size};
    size_t length     = print(&out, format, arguments);

    if (size > 0)
        buffer[length < size ? length : size - 1] = '\0';
    return length;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

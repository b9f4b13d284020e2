// printf.c: any format with arguments that fit it. The host's snprintf
// knows the same directives, and says what has to come out.

#include "host/host.h"

int kernel_printf(const char *format, ...);
int kernel_snprintf(char *buffer, size_t size, const char *format, ...);

enum { ARGUMENTS = 12, ROOM = 1 << 16, FORMAT = 512 };
enum { FIELD_MAX = 4095 };  // characters; C17 promises as many

// A format that grows, and its arguments: 8 bytes each, as the System V
// ABI passes them.
struct drawn {
    char format[FORMAT];
    size_t length, known;  // known: up to the first unknown directive
    uint64_t arguments[ARGUMENTS];
    size_t count;
    bool wide, unknown;  // wide: a field of more than FIELD_MAX
};

static const char *const texts[] = {
    "", "a", "Trapframe", "%d%s%n", "\x01\xff\n", "0123456789"};

static void add(struct drawn *d, char c)
{
    if (d->length < FORMAT - 1)
        d->format[d->length++] = c;
    d->format[d->length] = '\0';
}

static void add_text(struct drawn *d, const char *text)
{
    while (*text)
        add(d, *text++);
}

static void add_argument(struct drawn *d, uint64_t value)
{
    d->arguments[d->count++] = value;
}

// A width or a precision: none, digits, or a star and its argument.
static void add_size(struct drawn *d, struct bytes *bytes)
{
    uint8_t kind = take_byte(bytes);
    int64_t value;
    char digits[24];

    if (kind % 4 == 0)
        return;
    value = kind % 8 < 6 ? take_byte(bytes)
                         : (int32_t)take_number(bytes, 4);
    if (kind % 4 == 1) {
        add(d, '*');
        add_argument(d, value);
    } else {
        value = value < 0 ? -value : value;
        snprintf(digits, sizeof(digits), "%ld", value);
        add_text(d, digits);
        if (kind > 250)  // many digits
            add_text(d, digits);
        if (kind > 250)
            value = INT64_MAX;
    }
    if (value > FIELD_MAX || value < -FIELD_MAX)
        d->wide = true;
}

static void add_conversion(struct drawn *d, struct bytes *bytes,
                           uint8_t what)
{
    static const char *const lengths[] = {"",  "hh", "h",
                                          "l", "ll", "z"};

    switch (what % 4) {
    case 0:
        add(d, 's');
        add_argument(d, (uint64_t)texts[what / 4 % 6]);
        return;
    case 1:
        add(d, what & 4 ? 'c' : 'p');
        // glibc: (nil) for null; C17 leaves both to them.
        add_argument(d, take_number(bytes, 8) | 1);
        return;
    }
    add_text(d, lengths[what / 2 % 6]);
    add(d, "diuxX"[take_byte(bytes) % 5]);
    add_argument(d, take_number(bytes, 8));
}

// To C17 flags with %s, %c and %p, but -, are undefined, and so is a
// precision with %c and %p.
static void add_directive(struct drawn *d, struct bytes *bytes)
{
    uint8_t flags = take_byte(bytes), what = take_byte(bytes);
    bool is_number = what % 4 > 1;

    add(d, '%');
    if (flags & 1)
        add(d, '-');
    if (flags & 2 && is_number)
        add(d, '0');
    add_size(d, bytes);
    if (flags & 4 && (is_number || what % 4 == 0)) {
        add(d, '.');
        add_size(d, bytes);
    }
    add_conversion(d, bytes, what);
}

static void add_unknown(struct drawn *d, struct bytes *bytes)
{
    static const char *const what[] = {"%f",  "%5n", "%+d",   "% d",
                                       "%#x", "%jd", "%hhhd", "%y"};

    if (!d->unknown)
        d->known = d->length;
    d->unknown = true;
    add_text(d, what[take_byte(bytes) % 8]);
}

static void draw(struct drawn *d, struct bytes *bytes)
{
    while (bytes_left(bytes) && d->count + 3 < ARGUMENTS &&
           d->length < FORMAT / 2) {
        uint8_t what = take_byte(bytes);

        if (what >= 0x80)
            add_directive(d, bytes);
        else if (what == '%')
            add_text(d, "%%");
        else if (what == 1)
            add_unknown(d, bytes);
        else if (what)
            add(d, what);
    }
    if (!d->unknown)
        d->known = d->length;
}

#define LIST(a) \
    (a)[0], (a)[1], (a)[2], (a)[3], (a)[4], (a)[5], (a)[6], (a)[7], \
        (a)[8], (a)[9], (a)[10], (a)[11]

// What is unknown, and all behind it, is printed as it stands.
static int expected(const struct drawn *d, char *buffer)
{
    char known[FORMAT];
    int length;

    memcpy(known, d->format, d->known);
    known[d->known] = '\0';
    length          = snprintf(buffer, ROOM, known, LIST(d->arguments));
    return length + snprintf(buffer + length, ROOM - length, "%s",
                             d->format + d->known);
}

static void check_same(const struct drawn *d)
{
    static char reference[ROOM];
    int length = expected(d, reference), size = d->length % 40;
    char *small = malloc(size);
    char *large = malloc(length + 1);

    CHECK(kernel_snprintf(large, length + 1, d->format,
                          LIST(d->arguments)) == length);
    CHECK(strcmp(large, reference) == 0);
    CHECK(kernel_snprintf(small, size, d->format, LIST(d->arguments)) ==
          length);
    if (size > 0)
        CHECK(strlen(small) ==
                  (size_t)(length < size ? length : size - 1) &&
              memcmp(small, reference, strlen(small)) == 0);
    host_clear();
    CHECK(kernel_printf(d->format, LIST(d->arguments)) == length);
    CHECK((int)host_printed_length == length &&
          memcmp(host_printed, reference, length) == 0);
    free(small);
    free(large);
}

// A field that nobody can want must not keep the kernel printing: each
// one has at most FIELD_MAX characters, and as many zeros.
static void check_bounded(const struct drawn *d)
{
    int most = 2 * FIELD_MAX * ARGUMENTS + FORMAT;
    int length;

    host_clear();
    length = kernel_printf(d->format, LIST(d->arguments));
    CHECK(length >= 0 && length <= most);
    CHECK((int)host_printed_length == length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes bytes = {data, data + size};
    struct drawn drawn = {.length = 0};

    draw(&drawn, &bytes);
    if (drawn.wide)
        check_bounded(&drawn);
    else
        check_same(&drawn);
    return 0;
}

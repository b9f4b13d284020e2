// backtrace.c: any bytes as a stack, and as the registers of a broken
// program. Of them the calls are listed here first, and then printed.

#include "backtrace.h"

#include "host/host.h"
#include "probe.h"
#include "symbols.h"

enum { BASE = 0x10000, WORDS = 128, LINES = 9 };

// For kernel.ld: the code, and a table of its names.
asm(".globl text_start, text_end, symbols_end\n"
    ".set text_start, 0x1000\n"
    ".set text_end, 0x1800\n"
    ".set symbols_end, symbols_start + 3 * 16\n");

const struct symbol symbols_start[] = {
    {0x1000, "start"}, {0x1100, "middle"}, {0x1700, "end"}};

static uint64_t stack[WORDS];  // at BASE
static size_t words;

static bool read_stack(uint64_t address, uint64_t *value)
{
    if (address < BASE || address > BASE + words * 8 - 8)
        return false;
    memcpy(value, (char *)stack + (address - BASE), 8);
    return true;
}

bool probe_read(const void *address, uint64_t *value)
{
    return words > 0 && read_stack((uint64_t)address, value);
}

// The calls, as a list.
static uint64_t calls[WORDS];
static size_t count;

// Returns the rbp at which there is no way on, or 0.
static uint64_t list_calls(uint64_t rbp)
{
    uint64_t below = 0, next, caller;

    for (count = 0; rbp > below && rbp % 8 == 0; count++) {
        if (!probe_read((void *)rbp, &next) ||
            !probe_read((void *)(rbp + 8), &caller))
            break;
        below = rbp;
        rbp   = next;
        if (CHAPTER >= 9 && caller == 0)
            break;
        calls[count] = caller;
    }
    return rbp;
}

static char expected[1 << 14];
static size_t length;

#define SAY(...) \
    (length += snprintf(expected + length, sizeof(expected) - length, \
                        __VA_ARGS__))

// What an address belongs to is asked of another one.
static bool say_address(uint64_t address, uint64_t asked)
{
    static const char *const names[] = {"start", "middle", "end"};
    static const uint64_t at[]       = {0x1000, 0x1100, 0x1700};
    int i                            = 2;

    SAY("  %016lx", address);
    if (asked < 0x1000 || asked >= 0x1800)
        return false;
    while (asked < at[i])
        i--;
    SAY(" %s+0x%lx", names[i], address - at[i]);
    return true;
}

static void say_start(const struct trap_frame *frame)
{
    uint64_t caller;
    bool is_code = say_address(frame->rip, frame->rip);

    SAY("\n");
    if (!is_code && probe_read((void *)frame->rsp, &caller)) {
        say_address(caller, caller - 1);
        SAY("\n");
    }
}

// How many calls are alike, from one on. Not in the first chapters.
static size_t alike(size_t first)
{
    size_t i = first + 1;

    while (CHAPTER >= 6 && i < count && calls[i] == calls[first])
        i++;
    return i - first;
}

static void say_calls(uint64_t rbp)
{
    size_t i = 0, times;

    for (int lines = 0; i < count && lines < LINES; lines++) {
        times = alike(i);
        say_address(calls[i], calls[i] - 1);
        if (times > 1)
            SAY(", %zu times", times);
        SAY("\n");
        i += times;
    }
    if (i < count && CHAPTER >= 6)
        SAY("  ... and %zu more\n", count - i);
    else if (i < count || (CHAPTER < 6 && rbp && count == LINES))
        SAY("  ...\n");
    else if (rbp != 0)
        SAY("  no way on from rbp %016lx\n", rbp);
}

static void print(void *frame)
{
    backtrace(frame);
}

// Addresses of the stack and of the code are more than mere chance.
static uint64_t take_address(struct bytes *bytes)
{
    uint8_t kind = take_byte(bytes);

    switch (kind % 4) {
    case 0:
        return BASE + take_byte(bytes) * 8 + kind / 64;  // or near it
    case 1:
        return 0x1000 + take_number(bytes, 2) % 0x900;
    case 2:
        return kind / 4 % 4;
    }
    return take_number(bytes, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes bytes      = {data, data + size};
    struct trap_frame frame = {.rip = take_address(&bytes)};

    frame.rsp = take_address(&bytes);
    frame.rbp = take_address(&bytes);
    for (words = 0; words < WORDS && bytes_left(&bytes); words++)
        stack[words] = take_address(&bytes);
    host_clear();
    CHECK(host_run(print, &frame));
    length = 0;
    say_start(&frame);
    say_calls(list_calls(frame.rbp));
    CHECK(strcmp(host_printed, expected) == 0);
    return 0;
}

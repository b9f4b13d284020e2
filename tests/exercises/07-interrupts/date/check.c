// check.c: reads the date from a clock of our own, on which all can
// happen between any two instructions.

#include "../stepped.h"

#include "idt.h"
#include "printf.h"
#include "string.h"

#if !__has_include("date.h")
#error There is no date.h, which is to declare date_read().
#endif
#include "date.h"

// In tenths of a microsecond.
enum {
    INSTRUCTION = 1,
    PORT        = 10,
    SECOND      = 10000000,
    JUNK        = 19840,        // so long a new second is being made
    UPDATE      = JUNK + 2440,  // and announced before
    AT_ONCE     = 50000,
    MANY_STEPS  = 30000,
    NEVER       = -1,
};

enum { HOURS_24 = 0x02, BINARY = 0x04 };

// The clock: it is the first date until SECOND, and then the other one.
static struct {
    uint64_t now;
    struct date dates[2];
    uint8_t format;
    uint8_t index;
    uint64_t seen;  // when register C was read
    bool absent;
    int steps;
    int reads;
    int pause_at;       // before this read
    uint64_t pause_to;  // until then
    const char *wrong;  // the first thing that was
    bool hopeless;      // it did not come back
} clock;

static void complain(const char *what)
{
    if (!clock.wrong)
        clock.wrong = what;
}

static uint8_t number(int n)
{
    return clock.format & BINARY ? n : n / 10 << 4 | n % 10;
}

static uint8_t hour(int n)
{
    if (clock.format & HOURS_24)
        return number(n);
    return number(n % 12 == 0 ? 12 : n % 12) | (n >= 12 ? 0x80 : 0);
}

// While a second is being made the registers hold anything.
static uint8_t time_register(void)
{
    const struct date *date = &clock.dates[clock.now >= SECOND];

    if (clock.now < SECOND && clock.now >= SECOND - JUNK)
        return number(10 + clock.index % 3);
    switch (clock.index) {
    case 0x00:
        return number(date->second);
    case 0x02:
        return number(date->minute);
    case 0x04:
        return hour(date->hour);
    case 0x07:
        return number(date->day);
    case 0x08:
        return number(date->month);
    case 0x09:
        return number(date->year % 100);
    case 0x32:
        return number(date->year / 100);
    }
    return number(7);
}

static uint8_t flags(void)
{
    bool ended = clock.seen < SECOND && clock.now >= SECOND;

    clock.seen = clock.now;
    return ended ? 0x10 : 0;
}

static uint8_t read_register(void)
{
    bool updates = clock.now < SECOND && clock.now >= SECOND - UPDATE;

    switch (clock.index) {
    case 0x0a:
        return 0x26 | (updates ? 0x80 : 0);
    case 0x0b:
        return clock.format;
    case 0x0c:
        return flags();
    case 0x0d:
        return 0x80;
    }
    return time_register();
}

static uint8_t in(uint16_t port)
{
    if (clock.reads++ == clock.pause_at)
        clock.now = clock.pause_to;
    clock.now += PORT;
    if (port != 0x71)
        complain("a port is read that is not 0x71");
    return clock.absent ? 0xff : read_register();
}

static void out(uint16_t port, uint8_t value)
{
    clock.now += PORT;
    if (port == 0x71)
        complain("a register of the clock is written");
    else if (port != 0x70 && port != 0x80)
        complain("a port is written that is not 0x70");
    else if (port == 0x70 && (value & 0x80))
        complain("bit 7 of port 0x70 keeps NMIs away");
    else if (port == 0x70)
        clock.index = value;
}

static bool step(struct trap_frame *frame)
{
    (void)frame;
    clock.now += INSTRUCTION;
    if (++clock.steps < MANY_STEPS)
        return true;
    complain("date_read does not come to its end");
    return false;
}

static void begin(uint8_t format)
{
    idt_init();
    clock.format   = format;
    clock.absent   = false;
    clock.pause_at = NEVER;
    stepped.step   = step;
    stepped.in     = in;
    stepped.out    = out;
}

static uint64_t ask(void *date)
{
    return date_read(date);
}

static void fail(const char *what)
{
    ktap_check(false, "date_read", clock.steps, what);
}

static bool same(const struct date *a, const struct date *b)
{
    return a->year == b->year && a->month == b->month &&
           a->day == b->day && a->hour == b->hour &&
           a->minute == b->minute && a->second == b->second;
}

static void check_date(const struct date *d, uint64_t start)
{
    const char *formats[] = {"BCD, 12 hours", "BCD, 24 hours",
                             "binary, 12 hours", "binary, 24 hours"};
    char text[160];

    if ((start < SECOND && same(d, &clock.dates[0])) ||
        (clock.now >= SECOND && same(d, &clock.dates[1])))
        return;
    snprintf(text, sizeof(text),
             "%04d-%02d-%02d %02d:%02d:%02d is no time from %lu us to "
             "%lu us (%s)",
             d->year, d->month, d->day, d->hour, d->minute, d->second,
             start / 10, clock.now / 10, formats[clock.format / 2]);
    fail(text);
}

// Asks for the date: it has to be that of a moment between the call and
// the return.
static void check_read(uint64_t start)
{
    struct date date = {0};
    uint64_t found   = true;

    if (clock.hopeless) {
        fail("not tried, it did not come to its end before");
        return;
    }
    clock.now      = start;
    clock.seen     = start;
    clock.steps    = 0;
    clock.reads    = 0;
    clock.wrong    = NULL;
    clock.index    = 0x0f;
    clock.hopeless = !stepped_run(ask, &date, &found);
    if (!found)
        complain("it is false that there is no clock");
    if (clock.wrong)
        fail(clock.wrong);
    check_date(&date, start);
}

static const uint8_t formats[] = {0, HOURS_24, BINARY,
                                  BINARY | HOURS_24};

static const struct date dates[][2] = {
    {{2026, 11, 26, 9, 8, 7}, {2026, 11, 26, 9, 8, 8}},
    {{2040, 10, 9, 20, 30, 49}, {2040, 10, 9, 20, 30, 50}},
    {{1999, 12, 31, 23, 59, 59}, {2000, 1, 1, 0, 0, 0}},
    {{2100, 2, 28, 11, 59, 59}, {2100, 2, 28, 12, 0, 0}},
};

enum { DATES = sizeof(dates) / sizeof(dates[0]), NEW_YEAR = 2 };

static void set(int which)
{
    memcpy(clock.dates, dates[which], sizeof(clock.dates));
}

static void check_format(uint8_t format)
{
    begin(format);
    for (int i = 0; i < DATES; i++) {
        set(i);
        check_read(SECOND / 2);
        check_read(SECOND);
    }
}

TEST(bcd_and_24_hours)
{
    check_format(HOURS_24);
}

TEST(binary_and_24_hours)
{
    check_format(BINARY | HOURS_24);
}

static void check_hours(uint8_t format)
{
    check_format(format);
    for (int i = 0; i < 24; i += 5 - i / 5 % 2 * 4) {
        set(0);
        clock.dates[0].hour = i;
        check_read(0);
    }
}

TEST(bcd_and_12_hours)
{
    check_hours(0);
}

TEST(binary_and_12_hours)
{
    check_hours(BINARY);
}

TEST(update_is_waited_for)
{
    for (size_t i = 0; i < sizeof(formats); i++) {
        begin(formats[i]);
        set(NEW_YEAR);
        check_read(SECOND - 400);
    }
    check_read(SECOND - JUNK + 10);
    check_read(SECOND - UPDATE + 1000);
}

// A pause before each read of a register.
static void check_pause(uint64_t start, uint64_t end)
{
    int reads;

    begin(HOURS_24);
    set(NEW_YEAR);
    check_read(0);
    reads = clock.reads;
    for (int i = 0; i < reads; i++) {
        clock.pause_at = i;
        clock.pause_to = end;
        check_read(start);
    }
}

TEST(new_second_between_two_instructions)
{
    check_pause(SECOND - UPDATE - 20000, SECOND + 20000);
}

TEST(update_between_two_instructions)
{
    check_pause(SECOND - UPDATE - 20000, SECOND - 500);
}

TEST(no_clock)
{
    struct date date;
    uint64_t found = true;

    begin(HOURS_24);
    clock.absent = true;
    clock.now    = 0;
    clock.steps  = 0;
    clock.wrong  = NULL;
    stepped_run(ask, &date, &found);
    if (clock.wrong)
        fail(clock.wrong);
    CHECK(!found);
    CHECK(clock.now < AT_ONCE);
}

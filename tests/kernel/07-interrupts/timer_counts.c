// timer_counts.c: the timer's arithmetic, with a timer chip of our own:
// time passes only when it is looked at.

#include "lines.h"

enum { CLOCK = 1193182, MOST = 8, PART = 256 };

static struct {
    uint16_t port;
    uint8_t byte;
} told[MOST];

static int bytes;
static uint64_t now;    // in parts of a count
static uint64_t paces;  // how far it goes with each look, at most
static uint32_t seed;
static int latched, left;  // left: bytes to be read

static bool are_enabled(void)
{
    return read_rflags() & RFLAGS_IF;
}

static uint32_t random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

static void our_outb(uint16_t port, uint8_t byte)
{
    if (bytes < MOST) {
        told[bytes].port   = port;
        told[bytes++].byte = byte;
    }
    if (port == 0x43 && byte == 0 && left == 0) {
        latched = 11932 - now / PART % 11932;
        left    = 2;
        CHECK(!are_enabled());
    }
}

static uint8_t our_inb(uint16_t port)
{
    CHECK_EQ(port, 0x40);
    CHECK(!are_enabled());
    if (!CHECK(left > 0))
        return 0;
    if (--left == 0) {
        now += random() % (paces + 1);
        return latched >> 8;
    }
    return latched & 0xff;
}

static exception_handler *handler;
static int waits;

static void our_set_handler(enum irq line, exception_handler *function)
{
    CHECK_EQ(line, IRQ_TIMER);
    handler = function;
}

static void our_wait(void)
{
    CHECK(!are_enabled());
    waits++;
    handler(NULL);
}

#define inb                   our_inb
#define outb                  our_outb
#define interrupt_set_handler our_set_handler
#define interrupts_wait       our_wait
#define thread_sleep_until    our_sleep_until
#define threads_tick          our_threads_tick
#define timer_init            our_timer_init
#define timer_ticks           our_timer_ticks
#define timer_uptime          our_timer_uptime
#define timer_wait            our_timer_wait
#define timer_spin            our_timer_spin
#include <timer.c>
#undef inb
#undef outb

// From 09-scheduling on it is threads that wait, and that are told of
// each tick.
void our_threads_tick(uint64_t now);
void our_sleep_until(uint64_t tick);

void our_threads_tick(uint64_t now)
{
    CHECK_EQ(now, ticks);
}

void our_sleep_until(uint64_t tick)
{
    uint64_t flags = interrupts_disable();

    while (ticks < tick)
        our_wait();
    interrupts_restore(flags);
}

// Mode 2, two bytes, and 1193182 / 11932 is 99.9985.
TEST(timer_is_programmed)
{
    bytes   = 0;
    handler = NULL;
    our_timer_init();
    CHECK_EQ(bytes, 3);
    CHECK_EQ(told[0].port, 0x43);
    CHECK_EQ(told[0].byte, 0x34);
    CHECK_EQ(told[1].port, 0x40);
    CHECK_EQ(told[1].byte, 11932 & 0xff);
    CHECK_EQ(told[2].port, 0x40);
    CHECK_EQ(told[2].byte, 11932 >> 8);
    CHECK(handler != NULL);
}

TEST(each_interrupt_is_a_tick)
{
    uint64_t before;

    our_timer_init();
    before = our_timer_ticks();
    for (int i = 0; i < 1000; i++) {
        CHECK_EQ(our_timer_ticks(), before + i);
        handler(NULL);
    }
}

// 5966000 / 596591 is 11932 * 1000 / 1193182.
static uint64_t uptime_of(uint64_t count)
{
    return count / 596591 * 5966000 + count % 596591 * 5966000 / 596591;
}

TEST(uptime_is_exact_for_centuries)
{
    const uint64_t year = 100ul * 60 * 60 * 24 * 365;
    uint64_t before     = ticks;

    for (uint64_t count = 0; count < 1000; count++) {
        ticks = count;
        CHECK_EQ(our_timer_uptime(), uptime_of(count));
        ticks = year / 100 * count;
        CHECK_EQ(our_timer_uptime(), uptime_of(ticks));
        ticks = year * count / 3;
        CHECK_EQ(our_timer_uptime(), uptime_of(ticks));
        ticks = (uint64_t)UINT32_MAX - 500 + count;
        CHECK_EQ(our_timer_uptime(), uptime_of(ticks));
    }
    ticks = 100;
    CHECK_EQ(our_timer_uptime(), 1000);
    ticks = before;
}

// The first tick may come at once. It is not one more than needed.
TEST(so_many_ticks_are_waited_for)
{
    quiet();
    our_timer_init();
    for (uint64_t time = 0; time < 100000; time += 1 + time / 50) {
        uint64_t needed =
            (time * CLOCK + 1000 * 11932 - 1) / (1000 * 11932);

        waits = 0;
        sti();
        our_timer_wait(time);
        CHECK(are_enabled());
        CHECK_EQ(waits, needed + 1);
        cli();
    }
}

// And one may have come before.
TEST(missed_tick_does_not_count)
{
    quiet();
    our_timer_init();
    waits = 0;
    our_timer_wait(1000);
    CHECK(!are_enabled());
    CHECK_EQ(waits, 102);
}

TEST(waiting_starts_at_any_time)
{
    uint64_t before = ticks;

    quiet();
    our_timer_init();
    ticks = 1ul << 40;
    waits = 0;
    our_timer_wait(1000);
    CHECK_EQ(waits, 102);
    ticks = before;
}

// Never less than so long, whenever it begins, and not more than the
// paces of the looks and a little.
static void check_spins(uint64_t counts, uint64_t longest)
{
    paces = counts * PART;
    for (uint64_t time = 0; time < longest; time += 1 + time / 7) {
        uint64_t start = now = random() % (11932 * PART), passed;

        left = 0;
        our_timer_spin(time);
        passed = now - start;
        CHECK(passed * 1000000 >= time * CLOCK * PART);
        CHECK(passed <=
              time * CLOCK / 1000000 * PART + 2 * paces + 4 * PART);
    }
}

TEST(spinning_adds_up_what_passes)
{
    check_spins(1, 500);
    check_spins(2, 500);
    check_spins(40, 10000);
    check_spins(1000, 100000);
    check_spins(11900, 1000000);
}

TEST(count_is_read_without_interrupts)
{
    quiet();
    paces = PART;
    sti();
    our_timer_spin(10);
    CHECK(are_enabled());
    cli();
    our_timer_spin(10);
    CHECK(!are_enabled());
}

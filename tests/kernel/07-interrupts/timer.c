// timer.c: ticks, and waiting, on the machine's own timer. It is
// compared with another clock of the same machine, so that it does not
// matter how fast that one goes.

#include "lines.h"

#include "timer.h"

enum {
    READ_BACK_STATUS = 0xe2,  // of channel 0
    LATCH_COUNT      = 0x00,
    MODE_MASK        = 0x3f,
    DIVISOR          = 11932,

    HPET_PERIOD = 0x4 / 4,  // in femtoseconds
    ATTEMPTS    = 20,
};

static void start(void)
{
    quiet();
    timer_init();
}

// Nanoseconds, by the other clock. It wraps around, after 42 s.
static uint32_t clock_start;

static void clock_set(void)
{
    hpet()[HPET_CONFIG] = HPET_ON;
    clock_start         = hpet()[HPET_COUNTER];
}

static uint64_t clock_passed(void)
{
    uint32_t counts = hpet()[HPET_COUNTER] - clock_start;

    return (uint64_t)counts * (hpet()[HPET_PERIOD] / 1000) / 1000;
}

static int count_of_channel_0(void)
{
    int count;

    outb(PIT_CONTROL, LATCH_COUNT);
    count = inb(PIT_0);
    return count | inb(PIT_0) << 8;
}

TEST(channel_0_is_a_rate_generator)
{
    start();
    outb(PIT_CONTROL, READ_BACK_STATUS);
    CHECK_EQ(inb(PIT_0) & MODE_MASK, PERIODIC);
}

// Both ends are seen sooner or later, and nothing beyond.
TEST(channel_0_starts_anew_from_its_divisor)
{
    int highest = 0, lowest = DIVISOR, before = 0, rounds = 0;

    start();
    while (rounds < 5 || (rounds < 500 &&
                          (highest < DIVISOR - 600 || lowest > 600))) {
        int count = count_of_channel_0();

        rounds += count > before;
        highest = count > highest ? count : highest;
        lowest  = count < lowest ? count : lowest;
        before  = count;
    }
    CHECK(highest <= DIVISOR);
    CHECK(highest >= DIVISOR - 600);
    CHECK(lowest >= 1);
    CHECK(lowest <= 600);
}

TEST(only_its_line_is_unmasked)
{
    start();
    CHECK_EQ(masked_lines(), 0xfffa);
}

static void until_tick(void)
{
    uint64_t ticks = timer_ticks();

    sti();
    while (timer_ticks() == ticks)
        ;
    cli();
}

// How far the channel counts in three ticks. A pause of the host looks
// like fewer ticks, or fewer counts.
static int counts_in_3_ticks(void)
{
    int counts = 0, before, now;
    uint64_t end;

    until_tick();
    before = count_of_channel_0();
    end    = timer_ticks() + 3;
    while (timer_ticks() < end) {
        take_interrupts();
        now = count_of_channel_0();
        counts += (before - now + DIVISOR) % DIVISOR;
        before = now;
    }
    return counts;
}

TEST(each_round_of_the_channel_is_a_tick)
{
    bool right = false;

    start();
    for (int i = 0; i < ATTEMPTS && !right; i++) {
        int counts = counts_in_3_ticks();

        right = counts > 3 * DIVISOR - DIVISOR / 4 &&
                counts < 3 * DIVISOR + DIVISOR / 4;
    }
    CHECK(right);
}

TEST(tick_takes_10_ms)
{
    bool right = false;

    start();
    for (int i = 0; i < ATTEMPTS && !right; i++) {
        until_tick();
        clock_set();
        until_tick();
        until_tick();
        right = clock_passed() > 19000000 && clock_passed() < 21000000;
    }
    CHECK(right);
}

TEST(ticks_and_uptime_never_go_back)
{
    uint64_t end, ticks, uptime = 0;

    start();
    ticks = timer_ticks();
    end   = ticks + 3;
    sti();
    while (ticks < end) {
        uint64_t now = timer_ticks();

        CHECK(now >= ticks);
        ticks = now;
        now   = timer_uptime();
        CHECK(now >= uptime);
        uptime = now;
    }
    cli();
}

TEST(uptime_is_that_of_the_ticks)
{
    start();
    until_tick();
    CHECK_EQ(timer_uptime(), timer_ticks() * 5966000 / 596591);
}

TEST(init_does_not_set_back_the_time)
{
    uint64_t ticks;

    start();
    until_tick();
    ticks = timer_ticks();
    timer_init();
    CHECK_EQ(timer_ticks(), ticks);
}

TEST(time_stands_still_while_interrupts_are_disabled)
{
    uint64_t ticks;

    start();
    until_tick();
    ticks = timer_ticks();
    timer_spin(25000);
    while ((requested() & 1) == 0)
        ;
    CHECK_EQ(timer_ticks(), ticks);
    take_interrupts();
    CHECK(timer_ticks() > ticks);
}

static bool are_enabled(void)
{
    return read_rflags() & RFLAGS_IF;
}

// Waits for a part of a tick first. With a missed tick interrupts are
// disabled meanwhile, and it is a tick longer.
static bool waits_long_enough(int milliseconds, bool miss)
{
    until_tick();
    if (!miss)
        sti();
    timer_spin(miss ? 19500 : 9500);
    clock_set();
    timer_wait(milliseconds);
    cli();
    return clock_passed() >= (uint64_t)milliseconds * 1000000;
}

// On a busy host a tick can be late, and the next one comes early: this
// once, but not each time.
static void check_wait(int milliseconds, bool miss)
{
    int attempts = 0;

    while (!waits_long_enough(milliseconds, miss) &&
           CHECK(attempts < ATTEMPTS))
        attempts++;
}

TEST(waiting_takes_its_time)
{
    start();
    for (int milliseconds = 0; milliseconds <= 40; milliseconds += 10)
        check_wait(milliseconds, false);
}

TEST(waiting_takes_its_time_after_a_missed_tick)
{
    start();
    for (int milliseconds = 10; milliseconds <= 30; milliseconds += 10)
        check_wait(milliseconds, true);
}

TEST(waiting_leaves_interrupts_as_they_were)
{
    start();
    timer_wait(1);
    CHECK(!are_enabled());
    sti();
    timer_wait(1);
    CHECK(are_enabled());
    cli();
}

TEST(spinning_takes_its_time)
{
    static const uint64_t times[] = {0,    1,    2,     10,   100,
                                     1000, 9999, 10001, 35000};

    start();
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        clock_set();
        timer_spin(times[i]);
        CHECK(clock_passed() >= times[i] * 1000);
    }
}

TEST(spinning_leaves_interrupts_as_they_were)
{
    start();
    timer_spin(100);
    CHECK(!are_enabled());
    sti();
    timer_spin(100);
    CHECK(are_enabled());
    cli();
}

TEST(spinning_takes_its_time_with_interrupts)
{
    start();
    sti();
    clock_set();
    timer_spin(25000);
    CHECK(clock_passed() >= 25000000);
    cli();
}

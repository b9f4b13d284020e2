// timer.c: the programmable interval timer. Its channel 0 counts down
// from a divisor, at 1.19 MHz, and raises line 0 each time it starts
// anew. Intel 8254 data sheet, "Mode 2: Rate Generator".

#include "timer.h"

#include <stdbool.h>

#include "cpu.h"
#include "interrupts.h"
#include "threads.h"

enum {
    PIT_CHANNEL_0 = 0x40,
    PIT_COMMAND   = 0x43,

    LATCH     = 0x00,  // keep the count of channel 0 to be read
    LOW_HIGH  = 0x30,  // two bytes, the low one first
    RATE_MODE = 0x04,

    PIT_CLOCK = 1193182,                                // Hz
    DIVISOR   = (PIT_CLOCK + TIMER_HZ / 2) / TIMER_HZ,  // rounded
};

_Static_assert(DIVISOR >= 2 && DIVISOR <= 65536, "it has 16 bits");

static volatile uint64_t ticks;

static void tick(struct trap_frame *frame)
{
    (void)frame;
    ticks++;
    threads_tick(ticks);
}

void timer_init(void)
{
    outb(PIT_COMMAND, LOW_HIGH | RATE_MODE);
    outb(PIT_CHANNEL_0, DIVISOR & 0xff);
    outb(PIT_CHANNEL_0, DIVISOR >> 8 & 0xff);
    interrupt_set_handler(IRQ_TIMER, tick);
}

uint64_t timer_ticks(void)
{
    return ticks;
}

// Without rounding errors that add up: a tick is not 10 ms, but
// 10.00015.
uint64_t timer_uptime(void)
{
    return ticks * DIVISOR * 1000 / PIT_CLOCK;
}

// A part of the first tick has passed already, so it is one more.
static uint64_t ticks_in(uint64_t milliseconds)
{
    return (milliseconds * PIT_CLOCK / 1000 + DIVISOR - 1) / DIVISOR +
           1;
}

void timer_wait(uint64_t milliseconds)
{
    uint64_t end = ticks + ticks_in(milliseconds);

    if ((read_rflags() & RFLAGS_IF) == 0)
        end++;  // a tick that waits already comes at once
    thread_sleep_until(end);
}

// How far channel 0 has counted down. An interrupt in between would be
// free to read it too, and would get one of the bytes.
static int read_count(void)
{
    uint64_t flags = interrupts_disable();
    int count;

    outb(PIT_COMMAND, LATCH);
    count = inb(PIT_CHANNEL_0);
    count |= inb(PIT_CHANNEL_0) << 8;
    interrupts_restore(flags);
    return count;
}

// Takes off what is counted from one look to the next. If there is more
// than a tick between two, too little, and we wait for longer. One
// count more for what the division drops, and one for the first, of
// which a part has passed.
void timer_spin(uint64_t microseconds)
{
    uint64_t left = microseconds * PIT_CLOCK / 1000000 + 2;
    int before    = read_count();

    for (;;) {
        int now         = read_count();
        uint64_t passed = (before - now + DIVISOR) % DIVISOR;

        if (passed >= left)
            return;
        left -= passed;
        before = now;
    }
}

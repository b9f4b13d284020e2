// timer.h: the time since timer_init, in ticks of an interrupt.

#pragma once

#include <stdint.h>

enum { TIMER_HZ = 100 };  // ticks in a second, about

void timer_init(void);

// How many ticks there have been. It never goes back. While interrupts
// are disabled it stands still, and more than one missed tick is lost.
uint64_t timer_ticks(void);

// The same in milliseconds.
uint64_t timer_uptime(void);

// Lets other threads run for at least so many milliseconds. Not for
// handlers of interrupts.
void timer_wait(uint64_t milliseconds);

// Waits for at least so many microseconds, and keeps the CPU busy.
// Interrupts may be disabled.
void timer_spin(uint64_t microseconds);

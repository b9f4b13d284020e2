// turns.h: threads whose turns are noted. Without a storm no device is
// heard, and time is made by hand: what happens then is certain.

#pragma once

#include "07-interrupts/lines.h"

#include "panic.h"
#include "string.h"
#include "threads.h"
#include "timer.h"

enum { NOTES_MOST = 256 };

static char notes[NOTES_MOST + 1];
static volatile int noted;

// Interrupts are enabled, but none comes.
static void start(void)
{
    timer_init();
    quiet();
    noted    = 0;
    notes[0] = '\0';
    sti();
}

// Each count of the timer's clock is 0.84 microseconds.
static __attribute__((unused)) void start_storm(uint16_t count)
{
    start();
    cli();
    timer_init();
    start_pit(PERIODIC, count);
    sti();
}

static __attribute__((unused)) void note(char c)
{
    uint64_t flags = interrupts_disable();

    if (noted < NOTES_MOST) {
        notes[noted++] = c;
        notes[noted]   = '\0';
    }
    interrupts_restore(flags);
}

static __attribute__((unused)) void note_argument(void *argument)
{
    note(*(const char *)argument);
}

#define CHECK_NOTES(text) CHECK_TEXT(notes, text)

// An interrupt of the timer.
static __attribute__((unused)) void tick(void)
{
    asm volatile("int $32" : : : "memory");
}

// Another interrupt, from a line, and what its handler does.
static void (*turns_handler)(void);

static void turns_handle(struct trap_frame *frame)
{
    (void)frame;
    lower_line();
    turns_handler();
}

static __attribute__((unused)) void interrupt_by(void (*handler)(void))
{
    uint64_t flags = interrupts_disable();

    turns_handler = handler;
    interrupt_set_handler(free_line, turns_handle);
    raise_line(free_line);
    interrupts_restore(flags);
    asm volatile("nop; nop" : : : "memory");
}

static __attribute__((unused)) bool interrupts_are_enabled(void)
{
    return read_rflags() & RFLAGS_IF;
}

static __attribute__((unused)) struct thread *
make(const char *name, enum priority priority,
     void (*function)(void *argument), void *argument)
{
    struct thread *thread =
        thread_create(name, priority, function, argument);

    if (!CHECK(thread != NULL))
        panic("no thread, no test");
    CHECK(thread->id > 0);
    return thread;
}

// A thread that has what is left of the CPU, until it is told to stop:
// whoever looks at the machine from outside sees that it is at work.
static volatile bool spinning;

static void spin(void *unused)
{
    (void)unused;
    while (spinning)
        ;
}

static __attribute__((unused)) struct thread *start_spinning(void)
{
    spinning = true;
    return make("spins", PRIORITY_LOW, spin, NULL);
}

static __attribute__((unused)) void stop_spinning(struct thread *thread)
{
    spinning = false;
    thread_join(thread);
}

static __attribute__((unused)) uint64_t ticks_of(unsigned id)
{
    struct thread_info info = {.id = ~0u};

    CHECK(thread_describe(id, &info));
    CHECK_EQ(info.id, id);
    return info.ticks;
}

static __attribute__((unused)) enum thread_state state_of(unsigned id)
{
    struct thread_info info = {.id = ~0u};

    CHECK(thread_describe(id, &info));
    CHECK_EQ(info.id, id);
    return info.state;
}

static __attribute__((unused)) uint32_t random_of(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

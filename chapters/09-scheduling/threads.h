// threads.h: programs that take turns, all of them in the kernel.
//
// The one that kernel_main runs in is the first. Of those that are
// ready the CPU has the one of the highest priority. If there are more,
// they take turns: at each tick, and whenever one of a higher priority
// has come in between.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

enum priority { PRIORITY_LOW, PRIORITY_NORMAL, PRIORITY_HIGH };

enum { PRIORITIES = PRIORITY_HIGH + 1 };

enum thread_state {
    THREAD_RUNNING,
    THREAD_READY,
    THREAD_WAITING,
    THREAD_EXITED,
};

// Threads that are ready, or wait for the same thing. All zeros: none.
struct thread_queue {
    struct thread *first[PRIORITIES], *last[PRIORITIES];
};

struct mutex;

struct thread {
    uint64_t *stack_pointer;  // switch.asm; while it does not run
    void *stack;              // a block of STACK_SIZE bytes
    void (*function)(void *argument);
    void *argument;

    const char *name;
    unsigned id;
    enum thread_state state;
    enum priority priority;  // the one that counts
    enum priority own;       // without what others have lent; mutex.c

    struct thread_queue *queue;    // the one that it is in, or null
    struct thread *next, *before;  // in it
    struct thread_queue joining;   // those that wait for its end
    uint64_t wake_tick;            // while it sleeps
    uint64_t ticks;                // that it has run

    struct mutex *held;       // the last one locked; then its next
    struct mutex *waits_for;  // or null
    struct thread *next_thread, *thread_before;  // of all
};

enum { STACK_SIZE = 16 * 1024 };

// Starts a thread that calls a function, and ends when that returns.
// The name has to stay. Null: there is not enough memory. It has to be
// joined in the end.
struct thread *thread_create(const char *name, enum priority priority,
                             void (*function)(void *argument),
                             void *argument);

// Waits for a thread's end, and gives back all it had. Once only.
void thread_join(struct thread *thread);

// Ends the current thread. Not the first one.
_Noreturn void thread_exit(void);

// Lets the others of the same priority go first.
void thread_yield(void);

// Waits until so many ticks have been counted since timer_init.
void thread_sleep_until(uint64_t tick);

struct thread *thread_current(void);

struct thread_info {
    const char *name;
    unsigned id;
    enum thread_state state;
    enum priority priority;
    uint64_t ticks;
};

// Describes the thread with this id, or if it is gone the one that was
// created next. False: there is none.
bool thread_describe(unsigned id, struct thread_info *info);

// Is an address in the page below the current thread's stack, which is
// never mapped?
bool thread_overflows(virt_addr address);

// How many ticks no thread has run in.
uint64_t threads_idle_ticks(void);

// For what threads wait for. Interrupts are disabled.

// Puts the current thread into a queue and runs another one. Returns
// when somebody has woken it. Not in handlers of interrupts.
void thread_wait(struct thread_queue *queue);

// Makes the first thread of the highest priority ready. Null: there is
// none. It runs when the CPU is its: see threads_restore.
struct thread *thread_wake(struct thread_queue *queue);

// Changes the priority that counts, also of a thread in a queue.
void thread_set_priority(struct thread *thread, enum priority priority);

// Returns the highest priority in a queue, or one below all.
int thread_queue_priority(const struct thread_queue *queue);

// The same as interrupts_restore, but lets a thread run that has been
// woken and has a higher priority.
void threads_restore(uint64_t flags);

// By the timer, once a tick; and at the end of each interrupt.
void threads_tick(uint64_t now);
void threads_preempt(void);

// threads.c: what it costs to run another thread, and what threads use
// to wait for each other, in instructions. The floor of a switch is 16:
// a call, six registers onto one stack, two moves, and as much back.

#include "../rdtsc.h"
#include "ktap.h"

#include <stddef.h>

#include "cpu.h"
#include "idt.h"
#include "interrupts.h"
#include "mutex.h"
#include "semaphore.h"
#include "threads.h"
#include "timer.h"

enum { SLEEPERS = 100 };

static void tell(const char *name, uint64_t instructions)
{
    ktap_value(name, instructions, "instructions");
}

// Instructions of a function, and those of the call. Twice, to have
// been there.
static __attribute__((noinline)) uint64_t time_call(void (*call)(void))
{
    uint64_t start = rdtsc();

    call();
    return rdtsc() - start;
}

static void nothing(void)
{
}

static uint64_t cost(void (*call)(void))
{
    time_call(call);
    return time_call(call) - time_call(nothing);
}

static void start(void)
{
    cli();
    idt_init();
    interrupts_init();
    sti();
}

// The switch alone

// By the names of the assembly below.
uint64_t bench_stack[8], *bench_saved;
uint32_t bench_switch(uint64_t **save, uint64_t *load);
uint32_t bench_nothing(void);
extern const char bench_arrive[];

// clang-format off
asm(".pushsection .text\n"
    ".intel_syntax noprefix\n"

    // From before the call to where the other stack leads.
    "bench_switch:\n"
    "rdtsc\n"
    "mov r8d, eax\n"
    "call thread_switch\n"
    "ret\n"
    "bench_arrive:\n"
    "rdtsc\n"
    "sub eax, r8d\n"
    "mov rsp, [rip + bench_saved]\n"
    "pop r15\n"
    "pop r14\n"
    "pop r13\n"
    "pop r12\n"
    "pop rbx\n"
    "pop rbp\n"
    "ret\n"

    "bench_nothing:\n"
    "rdtsc\n"
    "mov r8d, eax\n"
    "rdtsc\n"
    "sub eax, r8d\n"
    "ret\n"
    ".att_syntax prefix\n"
    ".popsection\n");
// clang-format on

TEST(context_switch)
{
    start();
    cli();
    bench_stack[6] = (uint64_t)bench_arrive;
    bench_switch(&bench_saved, bench_stack);
    tell("context_switch",
         bench_switch(&bench_saved, bench_stack) - bench_nothing());
}

// There and back

static volatile bool stopping;

static void yield_often(void *argument)
{
    (void)argument;
    while (!stopping)
        thread_yield();
}

TEST(yields)
{
    struct thread *other;

    start();
    other = thread_create("yields", PRIORITY_NORMAL, yield_often, NULL);
    tell("yield_roundtrip", cost(thread_yield));
    stopping = true;
    thread_join(other);
    tell("yield_alone", cost(thread_yield));
}

static struct mutex mutex;
static struct semaphore semaphore = {.count = 1}, there, back;

static void lock_and_unlock(void)
{
    mutex_lock(&mutex);
    mutex_unlock(&mutex);
}

static void wait_and_signal(void)
{
    semaphore_wait(&semaphore);
    semaphore_signal(&semaphore);
}

TEST(uncontended)
{
    start();
    tell("mutex_uncontended", cost(lock_and_unlock));
    tell("semaphore_uncontended", cost(wait_and_signal));
}

static void answer(void *argument)
{
    (void)argument;
    for (int i = 0; i < 2; i++) {
        semaphore_wait(&there);
        semaphore_signal(&back);
    }
}

static void ask(void)
{
    semaphore_signal(&there);
    semaphore_wait(&back);
}

TEST(semaphores)
{
    struct thread *other;

    start();
    other = thread_create("answers", PRIORITY_NORMAL, answer, NULL);
    thread_yield();
    tell("semaphore_roundtrip", cost(ask));
    thread_join(other);
}

static void end(void *argument)
{
    (void)argument;
}

static void create_and_join(void)
{
    thread_join(thread_create("short", PRIORITY_NORMAL, end, NULL));
}

TEST(creation)
{
    start();
    tell("thread_create_join", cost(create_and_join));
}

// Ticks

static void take_tick(void)
{
    asm volatile("sti; nop; cli" : : : "memory");
}

static uint64_t cost_of_tick(void)
{
    uint64_t instructions = 0;

    cli();
    for (int i = 0; i < 2; i++) {
        timer_spin(11000);
        instructions = time_call(take_tick);
        instructions -= time_call(take_tick);
    }
    sti();
    return instructions;
}

static void sleep(void *argument)
{
    thread_sleep_until((uint64_t)argument);
}

TEST(ticks)
{
    start();
    timer_init();
    tell("timer_tick.1", cost_of_tick());
    for (uint64_t i = 0; i < SLEEPERS; i++)
        thread_create("sleeps", PRIORITY_HIGH, sleep,
                      (void *)(1000 + i));
    tell("timer_tick.100", cost_of_tick());
}

// switch.c: what a thread has in its registers is its own, whoever runs
// in between, and however it came to that.

#include "turns.h"

#include "semaphore.h"

enum {
    KEPT    = 6,   // rbx, rbp, r12 to r15
    GENERAL = 15,  // in the order of struct trap_frame
    THREADS = 3,
    ROUNDS  = 3000,
    COUNT   = 120,  // of the timer: 10,000 interrupts in a second
    STORM   = 900,

    FLAGS_FIXED  = 0x2,
    FLAGS_STATUS = 0x8d5,  // CF, PF, AF, ZF, SF and OF
    FLAGS_DF     = 0x400,
};

struct keeper {
    uint64_t kept[KEPT];
    uint64_t stack, rounds, wrong;  // wrong: bits
    void (*call)(void);
};

struct weather {
    uint64_t general[GENERAL];
    uint64_t flags, stack;
    uint64_t after[GENERAL];
    uint64_t flags_after, stack_after;
};

_Static_assert(offsetof(struct keeper, call) == 72,
               "the assembly relies on it");
_Static_assert(offsetof(struct weather, flags_after) == 256,
               "the assembly relies on it");

// By the names of the assembly below.
volatile uint64_t switch_stop;
void switch_keep(struct keeper *keeper);
void switch_weather(struct weather *weather);
void switch_begin(void *argument);
void switch_began(const uint64_t *first);

// clang-format off
asm(".pushsection .text\n"
    ".intel_syntax noprefix\n"

    // Fills the registers that a function keeps, calls one, and
    // compares; again and again.
    "switch_keep:\n"
    "push rbp\n"
    "push rbx\n"
    "push r12\n"
    "push r13\n"
    "push r14\n"
    "push r15\n"
    "push rdi\n"
    "switch_keep_again:\n"
    "mov rbx, [rdi]\n"
    "mov rbp, [rdi + 8]\n"
    "mov r12, [rdi + 16]\n"
    "mov r13, [rdi + 24]\n"
    "mov r14, [rdi + 32]\n"
    "mov r15, [rdi + 40]\n"
    "mov [rdi + 48], rsp\n"
    "call [rdi + 72]\n"
    "mov rdi, [rsp]\n"
    ".macro switch_compare register, at\n"
    "xor \\register, [rdi + \\at]\n"
    "or [rdi + 64], \\register\n"
    ".endm\n"
    "switch_compare rbx, 0\n"
    "switch_compare rbp, 8\n"
    "switch_compare r12, 16\n"
    "switch_compare r13, 24\n"
    "switch_compare r14, 32\n"
    "switch_compare r15, 40\n"
    "mov rax, rsp\n"
    "switch_compare rax, 48\n"
    "dec qword ptr [rdi + 56]\n"
    "jnz switch_keep_again\n"
    "pop rdi\n"
    "pop r15\n"
    "pop r14\n"
    "pop r13\n"
    "pop r12\n"
    "pop rbx\n"
    "pop rbp\n"
    "ret\n"

    // Fills all registers, and goes round until switch_stop is set. No
    // instruction of the loop changes a flag.
    "switch_weather:\n"
    "push rbp\n"
    "push rbx\n"
    "push r12\n"
    "push r13\n"
    "push r14\n"
    "push r15\n"
    "push rdi\n"
    "mov [rdi + 128], rsp\n"
    "push qword ptr [rdi + 120]\n"
    "popfq\n"
    "mov rax, [rdi]\n"
    "mov rbx, [rdi + 8]\n"
    "mov rcx, [rdi + 16]\n"
    "mov rdx, [rdi + 24]\n"
    "mov rsi, [rdi + 32]\n"
    "mov rbp, [rdi + 48]\n"
    ".irp n, 8, 9, 10, 11, 12, 13, 14, 15\n"
    "mov r\\n, [rdi + 8 * \\n - 8]\n"
    ".endr\n"
    "mov rdi, [rdi + 40]\n"
    "switch_loop:\n"
    "push rcx\n"
    "mov rcx, [rip + switch_stop]\n"
    "jrcxz switch_go_on\n"
    "pop rcx\n"
    "jmp switch_landing\n"
    "switch_go_on:\n"
    "pop rcx\n"
    "xchg rax, rbx\n"
    "xchg rax, rbx\n"
    "jmp switch_loop\n"
    "switch_landing:\n"
    "pushfq\n"
    "push rdi\n"
    "mov rdi, [rsp + 16]\n"
    "mov [rdi + 136], rax\n"
    "mov [rdi + 144], rbx\n"
    "mov [rdi + 152], rcx\n"
    "mov [rdi + 160], rdx\n"
    "mov [rdi + 168], rsi\n"
    "pop qword ptr [rdi + 176]\n"
    "mov [rdi + 184], rbp\n"
    ".irp n, 8, 9, 10, 11, 12, 13, 14, 15\n"
    "mov [rdi + 8 * \\n + 128], r\\n\n"
    ".endr\n"
    "pop qword ptr [rdi + 256]\n"
    "mov [rdi + 264], rsp\n"
    "cld\n"
    "pop rdi\n"
    "pop r15\n"
    "pop r14\n"
    "pop r13\n"
    "pop r12\n"
    "pop rbx\n"
    "pop rbp\n"
    "ret\n"

    // The function of a thread. It tells the registers it finds.
    "switch_begin:\n"
    "pushfq\n"
    "push rbp\n"
    "push rdi\n"
    "mov rdi, rsp\n"
    "call switch_began\n"
    "add rsp, 24\n"
    "ret\n"
    ".att_syntax prefix\n"
    ".popsection\n");
// clang-format on

// No two of them are the same, of whichever thread.
static uint64_t pattern(int thread, int number)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | (thread << 5 | number);
    return value ^ 0x0102030405060708;
}

static struct keeper keepers[THREADS];

static void keep(void *argument)
{
    switch_keep(argument);
}

static void keep_while(void (*call)(void), uint64_t rounds)
{
    struct thread *threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        keepers[i] = (struct keeper){.rounds = rounds, .call = call};
        for (int n = 0; n < KEPT; n++)
            keepers[i].kept[n] = pattern(i + 1, n);
        threads[i] = make("keeper", PRIORITY_NORMAL, keep, &keepers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(keepers[i].rounds, 0);
        CHECK_EQ(keepers[i].wrong, 0);
    }
}

static volatile uint64_t yields;

static void yield(void)
{
    yields++;
    thread_yield();
}

TEST(yielding_keeps_registers)
{
    start();
    yields = 0;
    keep_while(yield, ROUNDS);
    CHECK_EQ(yields, THREADS * ROUNDS);
    quiet();
}

static struct semaphore one = {.count = 1};

static void wait_and_signal(void)
{
    semaphore_wait(&one);
    thread_yield();
    semaphore_signal(&one);
}

TEST(waiting_keeps_registers)
{
    start();
    keep_while(wait_and_signal, ROUNDS);
    CHECK_EQ(one.count, 1);
    quiet();
}

static void sleep_for_a_tick(void)
{
    thread_sleep_until(timer_ticks() + 1);
}

TEST(sleeping_keeps_registers)
{
    start_storm(COUNT);
    keep_while(sleep_for_a_tick, 30);
    quiet();
}

TEST(calls_keep_registers_in_a_storm)
{
    start_storm(COUNT);
    keep_while(wait_and_signal, ROUNDS);
    keep_while(yield, ROUNDS);
    quiet();
}

// Preemption

static struct weather weathers[THREADS];

static void run_weather(void *argument)
{
    switch_weather(argument);
}

// The threads alternate, one tick each, with one that yields, so that
// both ways of going on follow upon each other.
static void storm(uint64_t flags)
{
    struct thread *threads[THREADS];
    uint64_t end = timer_ticks() + STORM;

    switch_stop = 0;
    for (int i = 0; i < THREADS; i++) {
        for (int n = 0; n < GENERAL; n++)
            weathers[i].general[n] = pattern(i + 1, n);
        weathers[i].flags = flags | FLAGS_FIXED | RFLAGS_IF;
        flags ^= FLAGS_STATUS | FLAGS_DF;
        threads[i] =
            make("weather", PRIORITY_NORMAL, run_weather, &weathers[i]);
    }
    while (timer_ticks() < end)
        thread_yield();
    switch_stop = 1;
    for (int i = 0; i < THREADS; i++) {
        CHECK(threads[i]->ticks > STORM / THREADS / 2);
        thread_join(threads[i]);
    }
}

TEST(preemption_keeps_all_registers)
{
    start_storm(COUNT);
    storm(0);
    storm(FLAGS_STATUS | FLAGS_DF);
    quiet();
    for (int i = 0; i < THREADS; i++) {
        const struct weather *weather = &weathers[i];

        for (int n = 0; n < GENERAL; n++)
            CHECK_EQ(weather->after[n], weather->general[n]);
        CHECK_EQ(weather->flags_after, weather->flags);
        CHECK_EQ(weather->stack_after, weather->stack);
    }
}

// The start of a thread

static uint64_t began[3], began_stack;
static struct thread *began_thread;

// Called by switch_begin, from below three words.
void switch_began(const uint64_t *found)
{
    memcpy(began, found, sizeof(began));
    began_stack  = (uint64_t)(found + 3);
    began_thread = thread_current();
}

static void begin_thread(void)
{
    struct thread *thread =
        make("begin", PRIORITY_NORMAL, switch_begin, &began_stack);
    uint64_t top = (uint64_t)thread->stack + STACK_SIZE;

    thread_yield();
    CHECK_EQ(began[0], &began_stack);
    CHECK(began[2] & RFLAGS_IF);
    CHECK(!(began[2] & FLAGS_DF));
    CHECK_EQ(began_stack % 16, 8);
    CHECK(began_stack < top);
    CHECK(began_stack >= top - 128);
    CHECK_EQ(began_thread, thread);
    thread_join(thread);
}

TEST(thread_begins_as_a_function_does)
{
    start();
    begin_thread();
    cli();
    begin_thread();
    CHECK(!interrupts_are_enabled());
    quiet();
}

// The stack pointer of a thread that does not run is what the switch
// has left: six registers and the return address lie there.
TEST(switch_leaves_seven_words)
{
    struct thread *thread;
    const uint64_t *words;

    start();
    thread = make("waits", PRIORITY_NORMAL, note_argument, "x");
    words  = thread->stack_pointer;
    CHECK_EQ((uint64_t)thread->stack + STACK_SIZE - (uint64_t)words,
             64);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(words[i], 0);
    CHECK_EQ(words[7], 0);
    thread_join(thread);
    CHECK_NOTES("x");
    quiet();
}

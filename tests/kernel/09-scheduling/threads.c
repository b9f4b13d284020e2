// threads.c: how threads begin and end, and that nothing of them stays
// behind.

#include "turns.h"

#include "03-exceptions/captured.h"
#include "05-paging/taken.h"
#include "backtrace.h"
#include "heap.h"
#include "printf.h"
#include "semaphore.h"

enum { MANY = 1000 };

static void nothing(void *argument)
{
    (void)argument;
}

TEST(thread_runs_its_function_with_its_argument)
{
    struct thread *a, *b;

    start();
    a = make("a", PRIORITY_NORMAL, note_argument, "a");
    b = make("b", PRIORITY_NORMAL, note_argument, "b");
    CHECK_NOTES("");
    thread_join(a);
    thread_join(b);
    CHECK_NOTES("ab");
    quiet();
}

TEST(first_thread_is_thread_0)
{
    struct thread_info info = {.id = 7};

    CHECK(thread_describe(0, &info));
    CHECK_EQ(info.id, 0);
    CHECK_TEXT(info.name, "main");
    CHECK_EQ(info.state, THREAD_RUNNING);
    CHECK_EQ(info.priority, PRIORITY_NORMAL);
    CHECK_EQ(thread_current()->id, 0);
}

// Ends

// The compiler need not know that it does not return.
static void (*volatile leave)(void) = thread_exit;

static void exit_deep(int depth)
{
    if (depth > 0)
        exit_deep(depth - 1);
    else
        leave();
    note('x');
}

static void exit_from_below(void *argument)
{
    note('a');
    exit_deep(10);
    note_argument(argument);
}

TEST(exit_ends_the_thread_wherever_it_is)
{
    start();
    thread_join(make("deep", PRIORITY_NORMAL, exit_from_below, "x"));
    CHECK_NOTES("a");
    quiet();
}

static struct thread *joined;

static void join(void *argument)
{
    thread_join(joined);
    note_argument(argument);
}

TEST(join_waits_for_the_end)
{
    struct thread *other;

    start();
    joined = make("joined", PRIORITY_LOW, note_argument, "1");
    other  = make("joins", PRIORITY_NORMAL, join, "2");
    thread_yield();
    CHECK_EQ(state_of(other->id), THREAD_WAITING);
    CHECK_EQ(state_of(joined->id), THREAD_READY);
    CHECK_NOTES("");
    thread_join(other);
    CHECK_NOTES("12");
    quiet();
}

TEST(join_after_the_end_returns_at_once)
{
    struct thread *thread, *other;

    start();
    thread = make("ends", PRIORITY_HIGH, note_argument, "1");
    CHECK_NOTES("1");
    CHECK_EQ(thread->state, THREAD_EXITED);
    other = make("waits", PRIORITY_NORMAL, note_argument, "2");
    thread_join(thread);
    CHECK_NOTES("1");
    thread_join(other);
    quiet();
}

TEST(join_leaves_interrupts_as_they_were)
{
    start();
    thread_join(make("a", PRIORITY_NORMAL, nothing, NULL));
    CHECK(interrupts_are_enabled());
    cli();
    thread_join(make("b", PRIORITY_NORMAL, nothing, NULL));
    CHECK(!interrupts_are_enabled());
    thread_join(make("c", PRIORITY_HIGH, nothing, NULL));
    thread_yield();
    CHECK(!interrupts_are_enabled());
    quiet();
}

// The list of all

static struct semaphore never;

static void wait(void *argument)
{
    (void)argument;
    semaphore_wait(&never);
}

static void end_all(struct thread **threads, int count)
{
    for (int i = 0; i < count; i++)
        semaphore_signal(&never);
    for (int i = 0; i < count; i++)
        if (threads[i])
            thread_join(threads[i]);
}

static void check_described(unsigned from, unsigned id)
{
    struct thread_info info = {.id = ~0u};

    CHECK(thread_describe(from, &info));
    CHECK_EQ(info.id, id);
}

TEST(threads_are_described_in_the_order_of_their_ids)
{
    struct thread *threads[5];
    struct thread_info info = {.id = ~0u};
    unsigned first;

    start();
    for (int i = 0; i < 5; i++)
        threads[i] = make("waits", PRIORITY_HIGH, wait, NULL);
    first = threads[0]->id;
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ(threads[i]->id, first + i);
        check_described(first + i, first + i);
    }
    check_described(0, 0);
    check_described(1, first);
    CHECK(!thread_describe(first + 5, &info));
    CHECK_EQ(info.id, ~0u);
    end_all(threads, 5);
    CHECK(!thread_describe(1, &info));
    CHECK_EQ(info.id, ~0u);
    quiet();
}

// One in the middle, the first and the last one are gone, and then come
// others.
TEST(gaps_are_described_by_the_next_one)
{
    struct thread *threads[6];
    struct thread_info info;
    unsigned first;

    start();
    for (int i = 0; i < 5; i++)
        threads[i] = make("ends", i % 2 ? PRIORITY_HIGH : PRIORITY_LOW,
                          nothing, NULL);
    first = threads[0]->id;
    thread_join(threads[2]);
    check_described(first + 2, first + 3);
    check_described(first + 1, first + 1);
    thread_join(threads[0]);
    check_described(1, first + 1);
    check_described(0, 0);
    thread_join(threads[4]);
    check_described(first + 2, first + 3);
    CHECK(!thread_describe(first + 4, &info));
    threads[5] = make("later", PRIORITY_LOW, nothing, NULL);
    CHECK_EQ(threads[5]->id, first + 5);
    check_described(first + 4, first + 5);
    thread_join(threads[3]);
    check_described(first + 2, first + 5);
    thread_join(threads[1]);
    check_described(1, first + 5);
    thread_join(threads[5]);
    CHECK(!thread_describe(1, &info));
    quiet();
}

TEST(description_says_what_a_thread_is)
{
    struct thread *threads[3];
    struct thread_info info;

    start();
    threads[0] = make("waiting", PRIORITY_HIGH, wait, NULL);
    threads[1] = make("ready", PRIORITY_LOW, wait, NULL);
    threads[2] = make("exited", PRIORITY_HIGH, nothing, NULL);
    for (int i = 0; i < 3; i++) {
        static const enum thread_state states[] = {
            THREAD_WAITING, THREAD_READY, THREAD_EXITED};

        CHECK(thread_describe(threads[i]->id, &info));
        CHECK_TEXT(info.name, threads[i]->name);
        CHECK_EQ(info.state, states[i]);
        CHECK_EQ(info.priority, threads[i]->priority);
        CHECK_EQ(info.ticks, 0);
    }
    threads[1]->ticks = 1ul << 40;
    CHECK_EQ(ticks_of(threads[1]->id), 1ul << 40);
    semaphore_signal(&never);
    semaphore_signal(&never);
    for (int i = 0; i < 3; i++)
        thread_join(threads[i]);
    cli();
    CHECK(thread_describe(0, &info));
    CHECK(!interrupts_are_enabled());
    quiet();
}

// Memory

static uint64_t free_frames(void)
{
    heap_trim();
    return frames_free();
}

static struct thread *many[MANY];
static int ended;

static void count_end(void *argument)
{
    uint64_t flags = interrupts_disable();

    CHECK_EQ(argument, &many[ended]);
    ended++;
    interrupts_restore(flags);
}

static void a_thousand_at_once(void)
{
    ended = 0;
    for (int i = 0; i < MANY; i++)
        many[i] =
            make("one of many", PRIORITY_NORMAL, count_end, &many[i]);
    for (int i = 1; i < MANY; i++)
        CHECK_EQ(many[i]->id, many[0]->id + i);
    CHECK_EQ(ended, 0);
    for (int i = 0; i < MANY; i++)
        thread_join(many[(i + MANY / 2) % MANY]);
    CHECK_EQ(ended, MANY);
}

// The page tables of the stacks stay, so the second time counts.
TEST(a_thousand_at_once_lose_no_frame)
{
    uint64_t frames;

    start();
    a_thousand_at_once();
    frames = free_frames();
    a_thousand_at_once();
    CHECK_EQ(free_frames(), frames);
    quiet();
}

TEST(a_thousand_one_after_the_other_lose_no_frame)
{
    uint64_t frames;

    start();
    thread_join(make("first", PRIORITY_NORMAL, nothing, NULL));
    frames = free_frames();
    for (int i = 0; i < MANY; i++)
        thread_join(make("next", i % PRIORITIES, nothing, NULL));
    CHECK_EQ(free_frames(), frames);
    quiet();
}

static void give_back_one(void)
{
    phys_addr frame = taken;

    taken = *taken_next(frame);
    frame_free(frame);
}

// With one frame more each time there is a thread at last. Until then
// nothing is lost.
TEST(without_memory_there_is_no_thread)
{
    struct thread *thread = NULL;
    struct thread_info info;
    uint64_t left = 0;

    start();
    thread_join(make("tables", PRIORITY_NORMAL, nothing, NULL));
    cli();
    heap_trim();
    take_all_but(0);
    while (!(thread = thread_create("needs memory", PRIORITY_LOW,
                                    nothing, NULL)) &&
           left < 16) {
        CHECK_EQ(free_frames(), left);
        CHECK(!thread_describe(1, &info));
        give_back_one();
        left++;
    }
    CHECK(left >= STACK_SIZE / PAGE_SIZE);
    CHECK(left < STACK_SIZE / PAGE_SIZE + 4);
    if (CHECK(thread != NULL))
        thread_join(thread);
    give_back();
    quiet();
}

// Stacks

static bool overflows[4];

static void look_below(void *argument)
{
    virt_addr stack = (virt_addr)thread_current()->stack;

    (void)argument;
    overflows[0] = thread_overflows(stack);
    overflows[1] = thread_overflows(stack - 1);
    overflows[2] = thread_overflows(stack - PAGE_SIZE);
    overflows[3] = thread_overflows(stack - PAGE_SIZE - 1);
}

TEST(page_below_the_stack_is_the_guard)
{
    struct thread *thread;
    virt_addr stack;

    start();
    thread = make("looks", PRIORITY_HIGH, look_below, NULL);
    stack  = (virt_addr)thread->stack;
    CHECK(!overflows[0]);
    CHECK(overflows[1]);
    CHECK(overflows[2]);
    CHECK(!overflows[3]);
    CHECK(!thread_overflows(stack - 1));
    CHECK(!thread_overflows(0));
    CHECK(!thread_overflows(-1ul));
    CHECK(!page_translate(&kernel_space, stack - PAGE_SIZE,
                          &(phys_addr){0}));
    CHECK(page_translate(&kernel_space, stack, &(phys_addr){0}));
    thread_join(thread);
    quiet();
}

// Reports

static char reported[sizeof(captured.text)];

static void keep_report(const char *text)
{
    if (CHECK(text != NULL))
        memcpy(reported, text, sizeof(reported));
}

static __attribute__((noinline)) void raise_in_thread(void)
{
    breakpoint();
}

static void report_breakpoint(void *argument)
{
    (void)argument;
    keep_report(captured_report(raise_in_thread));
    sti();
}

static int lines(const char *text)
{
    int count = 0;

    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

TEST(report_names_the_thread)
{
    struct thread *thread;
    char text[64];

    start();
    thread = make("breaks", PRIORITY_HIGH, report_breakpoint, NULL);
    snprintf(text, sizeof(text), ", vector 3, thread %u, breaks\nrax ",
             thread->id);
    CHECK(contains(reported, text));
    CHECK(fits_screen(reported));
    thread_join(thread);
    quiet();
}

TEST(report_does_not_name_the_first_thread)
{
    start();
    keep_report(captured_report(raise_in_thread));
    CHECK(!contains(reported, ", thread "));
    quiet();
}

static void trace_back(void *argument)
{
    struct trap_frame frame = {
        .rip = (uint64_t)trace_back,
        .rbp = (uint64_t)__builtin_frame_address(0),
    };

    (void)argument;
    captured_start();
    backtrace(&frame);
    keep_report(captured.text);
}

TEST(backtrace_of_a_thread_ends_at_its_begin)
{
    start();
    thread_join(make("traces", PRIORITY_HIGH, trace_back, NULL));
    CHECK(contains(reported, " begin+0x"));
    CHECK_EQ(lines(reported), 2);
    CHECK(!contains(reported, "no way on"));
    quiet();
}

// Overflow

static volatile bool for_ever = true;
static volatile uint64_t depth;

static __attribute__((noinline)) void recurse(void)
{
    depth++;
    if (for_ever)
        recurse();
    depth--;
}

static void report_overflow(void *argument)
{
    (void)argument;
    keep_report(captured_report(recurse));
    sti();
}

TEST(overflow_is_told_with_the_name)
{
    struct thread *thread;
    char text[160];

    start();
    thread = make("deep", PRIORITY_HIGH, report_overflow, NULL);
    snprintf(text, sizeof(text),
             "\n#DF double fault, vector 8, thread %u, deep\ncr2 ",
             thread->id);
    CHECK_BEGINS(reported, text);
    snprintf(
        text, sizeof(text),
        ": guard page: the stack of thread %u has overflowed\nrax ",
        thread->id);
    CHECK(contains(reported, text));
    CHECK(contains(reported, " recurse+0x"));
    CHECK(fits_screen(reported));
    thread_join(thread);
    quiet();
}

static void read_below(void)
{
    virt_addr stack = (virt_addr)thread_current()->stack;

    *(volatile char *)(stack - 1);
}

static void report_read(void *argument)
{
    (void)argument;
    keep_report(captured_report(read_below));
    sti();
}

TEST(access_below_the_stack_is_explained)
{
    struct thread *thread;
    char text[160];

    start();
    thread = make("reads", PRIORITY_HIGH, report_read, NULL);
    snprintf(text, sizeof(text),
             "guard page: the stack of thread %u has overflowed\n",
             thread->id);
    CHECK_BEGINS(reported, "\n#PF page fault");
    CHECK(contains(reported, text));
    thread_join(thread);
    quiet();
}

static volatile uint64_t other_stack;

static void read_other(void)
{
    *(volatile char *)(other_stack - 1);
}

// It is that of the current thread, no other one.
TEST(access_below_another_stack_is_none)
{
    struct thread *thread;

    start();
    thread      = make("is read", PRIORITY_LOW, nothing, NULL);
    other_stack = (uint64_t)thread->stack;
    keep_report(captured_report(read_other));
    CHECK_BEGINS(reported, "\n#PF page fault");
    CHECK(!contains(reported, "overflowed"));
    thread_join(thread);
    quiet();
}

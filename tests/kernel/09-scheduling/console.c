// console.c: what a thread prints comes in one piece.

#include "turns.h"

#include "03-exceptions/captured.h"
#include "console.h"
#include "mutex.h"
#include "printf.h"

enum { COUNT = 120, THREADS = 4, LINES = 15 };

// A sink that lets others run in the middle of a line.
static bool added, yielding;

static void yielding_sink(char c)
{
    if (yielding && c == ' ' && interrupts_are_enabled())
        thread_yield();
}

static void start_printing(bool with_yields)
{
    start();
    if (!added)
        console_add_sink(yielding_sink);
    added    = true;
    yielding = with_yields;
    captured_start();
}

// All lines are whole, and those of each thread in order.
static void check_lines(void)
{
    int next[THREADS] = {0}, count = 0;
    char expected[64];

    for (const char *c = captured.text; *c != '\0'; count++) {
        int thread = c[5] - '0';

        if (!CHECK(begins_with(c, "line ")) ||
            !CHECK(thread >= 0 && thread < THREADS))
            return;
        snprintf(expected, sizeof(expected),
                 "line %d of thread number %04d, %s\n", thread,
                 next[thread]++, "a text in several parts");
        if (!CHECK(begins_with(c, expected)))
            return;
        c += strlen(expected);
    }
    CHECK_EQ(count, THREADS * LINES);
}

static void print_lines(void *argument)
{
    for (int i = 0; i < LINES; i++)
        printf("line %d of thread number %04d, %s\n",
               (int)(uint64_t)argument, i, "a text in several parts");
}

static void print_all(void)
{
    struct thread *threads[THREADS];

    for (uint64_t i = 0; i < THREADS; i++)
        threads[i] =
            make("prints", i % PRIORITIES, print_lines, (void *)i);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
}

TEST(lines_are_not_torn_by_yields)
{
    start_printing(true);
    print_all();
    yielding = false;
    quiet();
    check_lines();
}

TEST(lines_are_not_torn_in_a_storm)
{
    start_printing(false);
    start_storm(COUNT);
    print_all();
    quiet();
    check_lines();
}

TEST(printf_returns_the_length)
{
    start_printing(false);
    CHECK_EQ(printf("%d %s\n", 42, "is it"), 9);
    cli();
    CHECK_EQ(printf("%d\n", 7), 2);
    CHECK(!interrupts_are_enabled());
    quiet();
    CHECK_TEXT(captured.text, "42 is it\n7\n");
}

// Who cannot wait prints at once

static void print_in_between(void)
{
    printf("<%d>", 1);
}

static void hold(void *argument)
{
    CHECK(console_lock());
    note_argument(argument);
    thread_yield();
    console_unlock();
}

TEST(printing_with_interrupts_disabled_does_not_wait)
{
    struct thread *holder;

    start_printing(false);
    holder = make("holds", PRIORITY_NORMAL, hold, "1");
    thread_yield();
    CHECK_NOTES("1");
    cli();
    CHECK(!console_lock());
    printf("at once");
    CHECK_TEXT(captured.text, "at once");
    CHECK(!interrupts_are_enabled());
    sti();
    interrupt_by(print_in_between);
    CHECK_TEXT(captured.text, "at once<1>");
    printf(", later");
    CHECK_EQ(state_of(holder->id), THREAD_EXITED);
    CHECK_TEXT(captured.text, "at once<1>, later");
    thread_join(holder);
    quiet();
}

static void lock_console(void *argument)
{
    CHECK(console_lock());
    note_argument(argument);
    console_unlock();
}

TEST(lock_is_for_one_thread)
{
    struct thread *other;

    start_printing(false);
    CHECK(console_lock());
    other = make("waits", PRIORITY_HIGH, lock_console, "o");
    CHECK_NOTES("");
    CHECK_EQ(other->state, THREAD_WAITING);
    note('m');
    console_unlock();
    CHECK_NOTES("mo");
    thread_join(other);
    CHECK_EQ(thread_current()->held, NULL);
    quiet();
}

// In the middle of a line, a handler: its words stand within the line,
// and nothing waits.
static void interrupting_sink(char c)
{
    static bool inside;

    if (yielding && c == '!' && !inside) {
        inside = true;
        interrupt_by(print_in_between);
        inside = false;
    }
}

TEST(handlers_print_in_the_middle_of_a_line)
{
    start_printing(false);
    console_add_sink(interrupting_sink);
    yielding = true;
    printf("before! after\n");
    yielding = false;
    CHECK_TEXT(captured.text, "before!<1> after\n");
    quiet();
}

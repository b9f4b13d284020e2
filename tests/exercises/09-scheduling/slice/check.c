// check.c: who runs in each tick. Ticks are made by hand, by the thread
// that runs.

#include "09-scheduling/turns.h"

#include "semaphore.h"

enum { SLICE = 5, THREADS = 3 };

static struct thread *threads[THREADS];
static struct semaphore go;

// A letter for each tick.
static void run_ticks(char who, int count)
{
    for (int i = 0; i < count; i++) {
        note(who);
        tick();
    }
}

static void join_all(int count)
{
    for (int i = 0; i < count; i++)
        thread_join(threads[i]);
}

static void run_twelve(void *argument)
{
    run_ticks(*(const char *)argument, 12);
}

TEST(threads_change_every_fifth_tick)
{
    start();
    for (int i = 0; i < THREADS; i++)
        threads[i] = make("turn", PRIORITY_LOW, run_twelve, &"abc"[i]);
    join_all(THREADS);
    CHECK_NOTES("aaaaabbbbbcccccaaaaabbbbbcccccaabbcc");
    quiet();
}

// Wherever the count of ticks stands when it begins.
TEST(slice_begins_when_a_thread_gets_the_cpu)
{
    for (int before = 0; before < SLICE; before++) {
        start();
        for (int i = 0; i < before; i++)
            tick();
        for (int i = 0; i < 2; i++)
            threads[i] =
                make("turn", PRIORITY_LOW, run_twelve, &"ab"[i]);
        join_all(2);
        CHECK_NOTES("aaaaabbbbbaaaaabbbbbaabb");
        quiet();
    }
}

static void run_three(void *argument)
{
    run_ticks(*(const char *)argument, 3);
}

TEST(next_one_has_a_slice_of_its_own_after_an_end)
{
    start();
    threads[0] = make("short", PRIORITY_LOW, run_three, "a");
    threads[1] = make("long", PRIORITY_LOW, run_twelve, "b");
    threads[2] = make("long", PRIORITY_LOW, run_twelve, "c");
    join_all(3);
    CHECK_NOTES("aaabbbbbcccccbbbbbcccccbbcc");
    quiet();
}

static void run_and_yield(void *argument)
{
    run_three(argument);
    thread_yield();
    run_twelve(argument);
}

TEST(who_yields_begins_a_new_slice)
{
    start();
    threads[0] = make("yields", PRIORITY_LOW, run_and_yield, "a");
    threads[1] = make("busy", PRIORITY_LOW, run_twelve, "b");
    join_all(2);
    CHECK_NOTES("aaabbbbbaaaaabbbbbaaaaabbaa");
    quiet();
}

static void run_and_wait(void *argument)
{
    run_three(argument);
    semaphore_wait(&go);
    run_twelve(argument);
}

static void signal_and_run(void *argument)
{
    run_ticks(*(const char *)argument, 1);
    semaphore_signal(&go);
    run_ticks(*(const char *)argument, 8);
}

TEST(who_waits_begins_a_new_slice)
{
    start();
    threads[0] = make("waits", PRIORITY_LOW, run_and_wait, "a");
    threads[1] = make("signals", PRIORITY_LOW, signal_and_run, "b");
    join_all(2);
    CHECK_NOTES("aaabbbbbaaaaabbbbaaaaaaa");
    quiet();
}

static void run_and_sleep(void *argument)
{
    run_three(argument);
    thread_sleep_until(timer_ticks() + 1);
    run_twelve(argument);
}

TEST(who_sleeps_begins_a_new_slice)
{
    start();
    threads[0] = make("sleeps", PRIORITY_LOW, run_and_sleep, "a");
    threads[1] = make("busy", PRIORITY_LOW, run_twelve, "b");
    join_all(2);
    CHECK_NOTES("aaabbbbbaaaaabbbbbaaaaabbaa");
    quiet();
}

// A higher one comes at once, and who was interrupted is the last of
// its own.

static void wait_and_run(void *argument)
{
    semaphore_wait(&go);
    run_ticks(*(const char *)argument, 7);
}

static void run_signal_and_run(void *argument)
{
    run_ticks(*(const char *)argument, 2);
    semaphore_signal(&go);
    run_ticks(*(const char *)argument, 7);
}

TEST(woken_one_of_a_higher_priority_runs_at_once)
{
    start();
    threads[0] = make("high", PRIORITY_HIGH, wait_and_run, "h");
    threads[1] = make("signals", PRIORITY_LOW, run_signal_and_run, "a");
    threads[2] = make("busy", PRIORITY_LOW, run_twelve, "b");
    join_all(3);
    CHECK_NOTES("aahhhhhhhbbbbbaaaaabbbbbaabb");
    quiet();
}

static uint64_t wake_at;

static void sleep_and_run(void *argument)
{
    thread_sleep_until(wake_at);
    run_ticks(*(const char *)argument, 2);
}

TEST(sleeper_of_a_higher_priority_runs_at_once)
{
    start();
    wake_at    = timer_ticks() + 3;
    threads[0] = make("high", PRIORITY_HIGH, sleep_and_run, "h");
    threads[1] = make("busy", PRIORITY_LOW, run_twelve, "a");
    threads[2] = make("busy", PRIORITY_LOW, run_twelve, "b");
    join_all(3);
    CHECK_NOTES("aaahhbbbbbaaaaabbbbbaaaabb");
    quiet();
}

static void signal(void)
{
    semaphore_signal(&go);
}

static void run_be_interrupted_and_run(void *argument)
{
    run_ticks(*(const char *)argument, 2);
    interrupt_by(signal);
    run_ticks(*(const char *)argument, 7);
}

TEST(one_woken_by_an_interrupt_runs_at_once)
{
    start();
    threads[0] = make("high", PRIORITY_HIGH, wait_and_run, "h");
    threads[1] =
        make("busy", PRIORITY_LOW, run_be_interrupted_and_run, "a");
    threads[2] = make("busy", PRIORITY_LOW, run_twelve, "b");
    join_all(3);
    CHECK_NOTES("aahhhhhhhbbbbbaaaaabbbbbaabb");
    quiet();
}

// Nobody else has wanted the CPU for long.
static void run_alone(void *argument)
{
    run_ticks(*(const char *)argument, 12);
    threads[1] = make("later", PRIORITY_LOW, run_twelve, "b");
    run_ticks(*(const char *)argument, 7);
}

TEST(who_was_alone_for_a_slice_makes_room_at_the_next_tick)
{
    start();
    threads[0] = make("alone", PRIORITY_LOW, run_alone, "a");
    thread_join(threads[0]);
    thread_join(threads[1]);
    CHECK_NOTES("aaaaaaaaaaaaabbbbbaaaaabbbbbabb");
    quiet();
}

// turns.c: whose turn it is. All ready threads of a priority come one
// after the other, and a higher priority comes before a lower one.

#include "turns.h"

#include "semaphore.h"

enum {
    COUNT = 120,  // of the timer: 10,000 interrupts in a second
    TICKS = 360,
    BUSY  = 3,
};

// Yields

static void note_and_yield(void *argument)
{
    for (int i = 0; i < 3; i++) {
        note_argument(argument);
        thread_yield();
    }
}

TEST(yields_go_round)
{
    struct thread *threads[3];

    start();
    for (int i = 0; i < 3; i++)
        threads[i] =
            make("turn", PRIORITY_NORMAL, note_and_yield, &"abc"[i]);
    for (int i = 0; i < 3; i++) {
        thread_yield();
        note('m');
    }
    for (int i = 0; i < 3; i++)
        thread_join(threads[i]);
    CHECK_NOTES("abcmabcmabcm");
    quiet();
}

TEST(yield_with_nobody_else_returns)
{
    struct thread *low;

    start();
    low = make("low", PRIORITY_LOW, note_argument, "l");
    for (int i = 0; i < 10; i++)
        thread_yield();
    CHECK_NOTES("");
    CHECK_EQ(thread_current()->state, THREAD_RUNNING);
    CHECK(interrupts_are_enabled());
    thread_join(low);
    CHECK_NOTES("l");
    quiet();
}

TEST(yield_leaves_interrupts_as_they_were)
{
    struct thread *other;

    start();
    other = make("other", PRIORITY_NORMAL, note_and_yield, "o");
    thread_yield();
    CHECK(interrupts_are_enabled());
    cli();
    thread_yield();
    CHECK(!interrupts_are_enabled());
    CHECK_NOTES("oo");
    thread_join(other);
    CHECK(!interrupts_are_enabled());
    quiet();
}

// Priorities

TEST(higher_ones_come_first)
{
    struct thread *threads[6];

    start();
    cli();
    for (int i = 0; i < 6; i++)
        threads[i] =
            make("any", i % PRIORITIES, note_argument, &"lnhLNH"[i]);
    CHECK_NOTES("");
    sti();
    thread_yield();
    CHECK_NOTES("hHnN");
    for (int i = 0; i < 6; i++)
        thread_join(threads[i]);
    CHECK_NOTES("hHnNlL");
    quiet();
}

TEST(new_thread_of_a_higher_priority_runs_at_once)
{
    struct thread *threads[3];

    start();
    threads[0] = make("high", PRIORITY_HIGH, note_argument, "h");
    note('1');
    threads[1] = make("normal", PRIORITY_NORMAL, note_argument, "n");
    note('2');
    threads[2] = make("low", PRIORITY_LOW, note_argument, "l");
    note('3');
    for (int i = 0; i < 3; i++)
        thread_join(threads[i]);
    CHECK_NOTES("h123nl");
    quiet();
}

static struct semaphore go;

static void wait_and_note(void *argument)
{
    for (int i = 0; i < 2; i++) {
        semaphore_wait(&go);
        note_argument(argument);
    }
}

static void signal(void)
{
    semaphore_signal(&go);
}

TEST(woken_one_of_a_higher_priority_runs_at_once)
{
    struct thread *high;

    start();
    high = make("high", PRIORITY_HIGH, wait_and_note, "h");
    note('1');
    signal();
    note('2');
    interrupt_by(signal);
    note('3');
    thread_join(high);
    CHECK_NOTES("1h2h3");
    quiet();
}

TEST(woken_one_of_the_same_priority_waits_for_its_turn)
{
    struct thread *same;

    start();
    same = make("same", PRIORITY_NORMAL, wait_and_note, "s");
    thread_yield();
    signal();
    note('1');
    interrupt_by(signal);
    note('2');
    thread_yield();
    note('3');
    thread_join(same);
    CHECK_NOTES("12ss3");
    quiet();
}

TEST(woken_one_of_a_lower_priority_waits)
{
    struct thread *low;

    start();
    low = make("low", PRIORITY_LOW, wait_and_note, "l");
    signal();
    interrupt_by(signal);
    thread_yield();
    tick();
    thread_yield();
    CHECK_NOTES("");
    thread_join(low);
    CHECK_NOTES("ll");
    quiet();
}

// While interrupts are disabled nobody else runs. The next occasion is
// the next interrupt, or whatever lets a woken thread run.
TEST(nobody_runs_while_interrupts_are_disabled)
{
    struct thread *high;

    start();
    high = make("high", PRIORITY_HIGH, wait_and_note, "h");
    cli();
    signal();
    note('1');
    sti();
    note('2');
    tick();
    note('3');
    cli();
    signal();
    note('4');
    CHECK(!interrupts_are_enabled());
    threads_restore(RFLAGS_IF);
    CHECK(interrupts_are_enabled());
    note('5');
    thread_join(high);
    CHECK_NOTES("12h34h5");
    quiet();
}

TEST(change_of_a_priority_ends_no_turn)
{
    struct thread *same, *low;

    start();
    same = make("same", PRIORITY_NORMAL, note_argument, "s");
    low  = make("low", PRIORITY_LOW, note_argument, "l");
    cli();
    thread_set_priority(low, PRIORITY_NORMAL);
    threads_restore(RFLAGS_IF);
    CHECK_NOTES("");
    cli();
    thread_set_priority(low, PRIORITY_HIGH);
    threads_restore(RFLAGS_IF);
    CHECK_EQ(notes[0], 'l');
    thread_join(same);
    thread_join(low);
    quiet();
}

static void signal_with_interrupts(void)
{
    sti();
    signal();
    cli();
    note('i');
}

TEST(nobody_runs_in_a_handler)
{
    struct thread *high;

    start();
    high = make("high", PRIORITY_HIGH, wait_and_note, "h");
    interrupt_by(signal_with_interrupts);
    note('1');
    interrupt_by(signal_with_interrupts);
    thread_join(high);
    CHECK_NOTES("ih1ih");
    quiet();
}

static uint16_t service;
static bool was_handling;

static void look_at_service(void *argument)
{
    (void)argument;
    semaphore_wait(&go);
    service      = in_service();
    was_handling = interrupts_handling();
}

static void look_and_signal(void)
{
    CHECK(in_service() != 0);
    CHECK(interrupts_handling());
    signal();
}

// Another thread may run for long: the line has to be free by then.
TEST(interrupt_has_ended_when_another_thread_runs)
{
    struct thread *high;

    start();
    service = 0xffff;
    high    = make("high", PRIORITY_HIGH, look_at_service, NULL);
    CHECK(!interrupts_handling());
    interrupt_by(look_and_signal);
    CHECK_EQ(service, 0);
    CHECK(!was_handling);
    CHECK(!interrupts_handling());
    thread_join(high);
    quiet();
}

// Ticks

static volatile bool stopping;

static void note_until_stopped(void *argument)
{
    while (!stopping) {
        note_argument(argument);
        tick();
    }
}

TEST(ready_ones_of_a_priority_alternate_by_tick)
{
    struct thread *threads[2];

    start();
    stopping = false;
    for (int i = 0; i < 2; i++)
        threads[i] =
            make("busy", PRIORITY_NORMAL, note_until_stopped, &"ab"[i]);
    for (int i = 0; i < 4; i++) {
        note('m');
        tick();
    }
    stopping = true;
    for (int i = 0; i < 2; i++)
        thread_join(threads[i]);
    CHECK_NOTES("mabmabmabmab");
    quiet();
}

TEST(tick_lets_no_lower_one_run)
{
    struct thread *low;

    start();
    stopping = false;
    low      = make("low", PRIORITY_LOW, note_until_stopped, "l");
    for (int i = 0; i < 10; i++)
        tick();
    CHECK_NOTES("");
    stopping = true;
    thread_join(low);
    CHECK_NOTES("");
    quiet();
}

// A thread that is interrupted twice in a tick goes on with its turn.
TEST(other_interrupts_end_no_turn)
{
    struct thread *same;

    start();
    same = make("same", PRIORITY_NORMAL, note_argument, "s");
    for (int i = 0; i < 5; i++)
        interrupt_by(lower_line);
    CHECK_NOTES("");
    tick();
    CHECK_NOTES("s");
    thread_join(same);
    quiet();
}

static void count_ticks(void *argument)
{
    uint64_t *ticks = argument, before = ticks_of(0);

    for (int i = 0; i < 5; i++)
        tick();
    *ticks = thread_current()->ticks;
    CHECK_EQ(ticks_of(0), before);
}

TEST(tick_is_counted_for_the_thread_it_interrupts)
{
    uint64_t ticks = 0, before, idle = threads_idle_ticks();

    start();
    thread_join(make("high", PRIORITY_HIGH, count_ticks, &ticks));
    CHECK_EQ(ticks, 5);
    before = ticks_of(0);
    tick();
    CHECK_EQ(ticks_of(0), before + 1);
    CHECK_EQ(threads_idle_ticks(), idle);
    quiet();
}

// In a storm

static volatile uint64_t busy_end;
static uint64_t busy_ticks[BUSY];

static void be_busy(void *argument)
{
    uint64_t *ticks = argument;

    while (timer_ticks() < busy_end)
        ;
    *ticks = thread_current()->ticks;
}

static void run_busy(enum priority priority)
{
    struct thread *threads[BUSY];

    start_storm(COUNT);
    cli();
    busy_end = timer_ticks() + TICKS;
    for (int i = 0; i < BUSY; i++)
        threads[i] = make("busy", priority, be_busy, &busy_ticks[i]);
    sti();
    for (int i = 0; i < BUSY; i++)
        thread_join(threads[i]);
    quiet();
    for (int i = 0; i < BUSY; i++) {
        CHECK(busy_ticks[i] * 100 >= TICKS / BUSY * 95);
        CHECK(busy_ticks[i] * 100 <= TICKS / BUSY * 105);
    }
}

TEST(busy_ones_share_the_ticks)
{
    for (int priority = 0; priority < PRIORITIES; priority++)
        run_busy(priority);
}

static volatile uint64_t counted;

static void count(void *argument)
{
    (void)argument;
    while (!stopping)
        counted++;
}

TEST(busy_low_one_has_what_is_left)
{
    struct thread *low;
    uint64_t end, before;

    start_storm(COUNT);
    stopping = false;
    counted  = 0;
    low      = make("low", PRIORITY_LOW, count, NULL);
    end      = timer_ticks() + 50;
    while (timer_ticks() < end)
        thread_yield();
    CHECK_EQ(counted, 0);
    CHECK_EQ(ticks_of(low->id), 0);
    thread_sleep_until(timer_ticks() + 50);
    CHECK(counted > 0);
    CHECK(ticks_of(low->id) >= 48);
    before = counted;
    end    = timer_ticks() + 50;
    while (timer_ticks() < end)
        ;
    CHECK_EQ(counted, before);
    stopping = true;
    thread_join(low);
    quiet();
}

// Each tick is of one thread, or of none.
TEST(all_ticks_are_accounted_for)
{
    struct thread *threads[2];
    uint64_t before, after;

    start_storm(COUNT);
    stopping   = false;
    threads[0] = make("low", PRIORITY_LOW, count, NULL);
    cli();
    before = timer_ticks() - ticks_of(0) - threads_idle_ticks();
    sti();
    thread_sleep_until(timer_ticks() + 20);
    stopping = true;
    thread_sleep_until(timer_ticks() + 20);
    stopping   = false;
    threads[1] = make("same", PRIORITY_NORMAL, count, NULL);
    thread_sleep_until(timer_ticks() + 20);
    stopping = true;
    cli();
    after = timer_ticks() - ticks_of(0) - threads_idle_ticks();
    CHECK_EQ(after - before, threads[0]->ticks + threads[1]->ticks);
    sti();
    for (int i = 0; i < 2; i++)
        thread_join(threads[i]);
    quiet();
}

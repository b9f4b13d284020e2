// sleeping.c: threads that wait for a tick, and a CPU that waits for
// threads.

#include "puppets.h"

enum { COUNT = 240, SLEEPERS = 1000, LONGEST = 200, HLT = 0xf4 };

struct sleeper {
    struct thread *thread;
    uint64_t wake, woken;
    int order;
};

static struct sleeper sleepers[SLEEPERS];
static int woken;

static void sleep(void *argument)
{
    struct sleeper *sleeper = argument;

    thread_sleep_until(sleeper->wake);
    sleeper->woken = timer_ticks();
    sleeper->order = woken++;
}

static void put_to_bed(struct sleeper *sleeper, enum priority priority,
                       uint64_t wake)
{
    *sleeper        = (struct sleeper){.wake = wake};
    sleeper->thread = make("sleeper", priority, sleep, sleeper);
}

static void start_sleeping(void)
{
    start();
    woken = 0;
}

TEST(sleepers_wake_in_the_order_of_their_ticks)
{
    static const char order[] = {3, 1, 4, 2, 5};
    uint64_t now;

    start_sleeping();
    now = timer_ticks();
    for (int i = 0; i < 5; i++)
        put_to_bed(&sleepers[i], PRIORITY_HIGH, now + order[i]);
    for (int i = 1; i <= 5; i++) {
        CHECK_EQ(woken, i - 1);
        tick();
        CHECK_EQ(woken, i);
    }
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(sleepers[i].woken, sleepers[i].wake);
        CHECK_EQ(sleepers[i].order, order[i] - 1);
        thread_join(sleepers[i].thread);
    }
    quiet();
}

// From one tick, of whichever length: also those that share a slot with
// other ticks.
TEST(sleep_is_of_any_length)
{
    static const uint64_t lengths[] = {1,   2,   62,  63,  64,  65,  66,
                                       127, 128, 129, 192, 640, 1000};
    enum { LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };
    uint64_t now;

    start_sleeping();
    now = timer_ticks();
    for (int i = 0; i < LENGTHS; i++)
        put_to_bed(&sleepers[i], PRIORITY_HIGH, now + lengths[i]);
    while (timer_ticks() < now + 1000)
        tick();
    for (int i = 0; i < LENGTHS; i++) {
        CHECK_EQ(sleepers[i].woken, now + lengths[i]);
        thread_join(sleepers[i].thread);
    }
    CHECK_EQ(woken, LENGTHS);
    quiet();
}

TEST(sleep_until_a_tick_that_has_been_returns_at_once)
{
    struct thread *other;
    uint64_t now;

    start();
    tick();
    now   = timer_ticks();
    other = make("other", PRIORITY_NORMAL, note_argument, "x");
    thread_sleep_until(now);
    thread_sleep_until(now - 1);
    thread_sleep_until(0);
    CHECK_NOTES("");
    CHECK_EQ(timer_ticks(), now);
    CHECK(interrupts_are_enabled());
    cli();
    thread_sleep_until(now);
    CHECK(!interrupts_are_enabled());
    sti();
    thread_join(other);
    quiet();
}

TEST(sleepers_of_one_tick_wake_by_priority)
{
    static const enum priority priorities[] = {
        PRIORITY_LOW, PRIORITY_NORMAL, PRIORITY_HIGH,
        PRIORITY_LOW, PRIORITY_NORMAL, PRIORITY_HIGH};
    static const int order[] = {4, 2, 0, 5, 3, 1};
    uint64_t now;

    start_sleeping();
    now = timer_ticks();
    for (int i = 0; i < 6; i++)
        put_to_bed(&sleepers[i], priorities[i], now + 1);
    put_to_bed(&sleepers[6], PRIORITY_LOW, now + 1);
    thread_yield();

    // All are asleep but the low ones, which have not begun.
    CHECK_EQ(woken, 0);
    CHECK_EQ(state_of(sleepers[4].thread->id), THREAD_WAITING);
    CHECK_EQ(state_of(sleepers[0].thread->id), THREAD_READY);
    tick();
    CHECK_EQ(woken, 4);
    for (int i = 0; i < 7; i++)
        thread_join(sleepers[i].thread);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(sleepers[i].order, order[i]);
    quiet();
}

// Who is woken at a tick has been made ready by it: a busy one of the
// same priority has to give way.
static volatile bool stopping;

static void be_busy(void *argument)
{
    (void)argument;
    while (!stopping)
        ;
}

TEST(sleeper_wakes_beside_a_busy_thread)
{
    struct thread *busy;
    uint64_t end;

    start_storm(COUNT);
    stopping = false;
    busy     = make("busy", PRIORITY_NORMAL, be_busy, NULL);
    end      = timer_ticks() + 10;
    for (int i = 0; i < 10; i++)
        thread_sleep_until(timer_ticks() + 1);
    CHECK(timer_ticks() >= end);
    CHECK(timer_ticks() <= end + 12);
    stopping = true;
    thread_join(busy);
    quiet();
}

// There are 64 slots; who shares one with others is not disturbed.
TEST(sleeper_sleeps_on_while_others_wake)
{
    uint64_t now;

    start_sleeping();
    now = timer_ticks();
    put_to_bed(&sleepers[0], PRIORITY_LOW, now + 65);
    settle();
    tick();
    CHECK_EQ(state_of(sleepers[0].thread->id), THREAD_WAITING);
    while (timer_ticks() < now + 65)
        tick();
    CHECK_EQ(state_of(sleepers[0].thread->id), THREAD_READY);
    thread_join(sleepers[0].thread);
    quiet();
}

TEST(a_thousand_sleepers_wake_in_time)
{
    uint32_t seed = 9;
    uint64_t now;

    start_sleeping();
    now = timer_ticks();
    for (int i = 0; i < SLEEPERS; i++)
        put_to_bed(&sleepers[i], PRIORITY_HIGH,
                   now + 1 + random_of(&seed) % LONGEST);
    for (int i = 0; i < LONGEST; i++)
        tick();
    CHECK_EQ(woken, SLEEPERS);
    for (int i = 0; i < SLEEPERS; i++) {
        CHECK_EQ(sleepers[i].woken, sleepers[i].wake);
        thread_join(sleepers[i].thread);
    }
    quiet();
}

// A lent priority moves a sleeper to another queue of its slot.
TEST(sleeper_wakes_whose_priority_has_changed)
{
    uint64_t flags;
    uint64_t now;

    start_sleeping();
    now = timer_ticks();
    for (int i = 0; i < 3; i++)
        put_to_bed(&sleepers[i], PRIORITY_NORMAL, now + 2);
    thread_yield();
    flags = interrupts_disable();
    thread_set_priority(sleepers[1].thread, PRIORITY_HIGH);
    interrupts_restore(flags);
    tick();
    CHECK_EQ(woken, 0);
    tick();
    for (int i = 0; i < 3; i++)
        thread_join(sleepers[i].thread);
    CHECK_EQ(sleepers[1].order, 0);
    CHECK_EQ(sleepers[0].order, 1);
    CHECK_EQ(sleepers[2].order, 2);
    quiet();
}

// In real time, beside the machine's own timer

static void nap(void *argument)
{
    struct sleeper *sleeper = argument;
    uint32_t seed           = sleeper->wake;

    for (int i = 0; i < 50; i++) {
        uint64_t end = timer_ticks() + random_of(&seed) % 5;

        thread_sleep_until(end);
        CHECK(timer_ticks() >= end);
        sleeper->woken++;
    }
}

TEST(naps_in_a_storm)
{
    enum { NAPPERS = 10 };
    struct thread *spins;

    start_storm(COUNT);
    spins = start_spinning();
    for (int i = 0; i < NAPPERS; i++) {
        sleepers[i] = (struct sleeper){.wake = i};
        sleepers[i].thread =
            make("naps", i % PRIORITIES, nap, &sleepers[i]);
    }
    for (int i = 0; i < NAPPERS; i++) {
        thread_join(sleepers[i].thread);
        CHECK_EQ(sleepers[i].woken, 50);
    }
    stop_spinning(spins);
    quiet();
}

static void note_time(void *argument)
{
    uint64_t *at = argument;

    *at = timer_ticks();
    note('o');
}

// Others run meanwhile, with interrupts enabled.
TEST(timer_wait_lets_others_run)
{
    struct thread *other;
    uint64_t at = 0, before;

    start_storm(COUNT);
    other  = make("other", PRIORITY_LOW, note_time, &at);
    before = timer_ticks();
    timer_wait(20);
    note('m');
    CHECK(timer_ticks() >= before + 3);
    CHECK_NOTES("om");
    CHECK(at >= before);
    thread_join(other);

    cli();
    other  = make("other", PRIORITY_LOW, note_time, &at);
    before = timer_ticks();
    timer_wait(20);
    note('m');
    CHECK(timer_ticks() >= before + 4);
    CHECK_NOTES("omom");
    CHECK(!interrupts_are_enabled());
    thread_join(other);
    quiet();
}

// Nobody is ready

TEST(idle_ticks_are_those_of_nobody)
{
    uint64_t idle, mine, before;

    start_storm(COUNT);
    cli();
    before = timer_ticks();
    idle   = threads_idle_ticks();
    mine   = ticks_of(0);
    thread_sleep_until(before + 20);
    CHECK(timer_ticks() >= before + 20);
    CHECK_EQ(threads_idle_ticks() - idle, timer_ticks() - before);
    CHECK_EQ(ticks_of(0), mine);

    // And then they are somebody's again.
    idle   = threads_idle_ticks();
    before = timer_ticks();
    sti();
    while (timer_ticks() < before + 10)
        ;
    cli();
    CHECK_EQ(threads_idle_ticks(), idle);
    CHECK_EQ(ticks_of(0) - mine, timer_ticks() - before);
    quiet();
}

static struct semaphore rung;
static uint8_t instruction;
static uint64_t interrupted_flags;

static void ring_in_a_moment(void)
{
    hpet()[HPET_TIMER] = HPET_TIMER_32BIT | HPET_TIMER_LEVEL |
                         HPET_TIMER_ON | free_line << HPET_ROUTE_SHIFT;
    hpet()[HPET_CONFIG]     = HPET_ON;
    hpet()[HPET_COMPARATOR] = hpet()[HPET_COUNTER] + 100000;
}

// Only when nobody runs. What was interrupted has been executed: the
// byte before is its.
static void ring(struct trap_frame *frame)
{
    lower_line();
    if (thread_current()->state == THREAD_RUNNING) {
        ring_in_a_moment();
        return;
    }
    instruction       = ((const uint8_t *)frame->rip)[-1];
    interrupted_flags = frame->rflags;
    semaphore_signal(&rung);
}

static void ring_later(void)
{
    cli();
    lower_line();
    instruction = 0;
    interrupt_set_handler(free_line, ring);
    ring_in_a_moment();
    sti();
}

TEST(cpu_halts_while_nobody_is_ready)
{
    start();
    for (int i = 0; i < 5; i++) {
        ring_later();
        semaphore_wait(&rung);
        CHECK_EQ(instruction, HLT);
        CHECK(interrupted_flags & RFLAGS_IF);
        CHECK(interrupts_are_enabled());
    }
    quiet();
}

static void wait_for_ring(void *argument)
{
    semaphore_wait(&rung);
    note_argument(argument);
}

static void ring_and_wait(void *argument)
{
    (void)argument;
    ring_later();
    semaphore_wait(&rung);
    note('2');
}

// The CPU halts on the stack of the one that has waited last, and the
// first one goes on.
TEST(another_thread_goes_on_after_the_halt)
{
    struct thread *first, *second;

    start();
    first  = make("first", PRIORITY_NORMAL, wait_for_ring, "1");
    second = make("second", PRIORITY_LOW, ring_and_wait, NULL);
    thread_join(first);
    CHECK_EQ(instruction, HLT);
    CHECK_NOTES("1");
    semaphore_signal(&rung);
    thread_join(second);
    CHECK_NOTES("12");
    quiet();
}

static void end_and_ring(void *argument)
{
    (void)argument;
    ring_later();
}

TEST(cpu_halts_on_the_stack_of_a_thread_that_has_ended)
{
    struct thread *waits, *ends;

    start();
    waits = make("waits", PRIORITY_LOW, wait_for_ring, "w");
    ends  = make("ends", PRIORITY_LOW, end_and_ring, NULL);
    thread_join(waits);
    CHECK_EQ(instruction, HLT);
    CHECK_EQ(ends->state, THREAD_EXITED);
    CHECK_NOTES("w");
    thread_join(ends);
    quiet();
}

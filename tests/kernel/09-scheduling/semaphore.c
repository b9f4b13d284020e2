// semaphore.c: what is given can be taken, once.

#include "puppets.h"

#include "between.h"

enum { COUNT = 120, ROUNDS = 2000, WAITERS = 200, INTERRUPTS = 500 };

static struct semaphore s;

static void set(unsigned count)
{
    CHECK_EQ(thread_queue_priority(&s.waiting), -1);
    s = (struct semaphore){.count = count};
}

TEST(as_many_are_taken_as_there_are)
{
    struct puppet puppet;

    start();
    puppet_start(&puppet, "takes", PRIORITY_NORMAL);
    set(3);
    for (int i = 0; i < 3; i++)
        CHECK(puppet_do(&puppet, wait_for, &s));
    CHECK(!puppet_do(&puppet, wait_for, &s));
    CHECK_EQ(s.count, 0);
    semaphore_signal(&s);
    settle();
    CHECK(!puppet.busy);
    CHECK_EQ(s.count, 0);
    puppet_end(&puppet);
    quiet();
}

TEST(signals_before_the_wait_are_kept)
{
    struct puppet puppet;

    start();
    puppet_start(&puppet, "takes", PRIORITY_NORMAL);
    set(0);
    for (int i = 0; i < 100; i++)
        semaphore_signal(&s);
    CHECK_EQ(s.count, 100);
    for (int i = 0; i < 100; i++)
        CHECK(puppet_do(&puppet, wait_for, &s));
    CHECK(!puppet_do(&puppet, wait_for, &s));
    semaphore_signal(&s);
    settle();
    puppet_end(&puppet);
    quiet();
}

static void wait_and_note(void *argument)
{
    semaphore_wait(&s);
    note_argument(argument);
}

TEST(waiting_ones_come_by_priority_and_then_in_order)
{
    struct thread *threads[6];

    start();
    set(0);
    for (int i = 0; i < 6; i++)
        threads[i] =
            make("waits", i % PRIORITIES, wait_and_note, &"lnhLNH"[i]);
    settle();
    CHECK_NOTES("");
    for (int i = 0; i < 6; i++) {
        semaphore_signal(&s);
        settle();
        CHECK_EQ(noted, i + 1);
    }
    CHECK_NOTES("hHnNlL");
    CHECK_EQ(s.count, 0);
    for (int i = 0; i < 6; i++)
        thread_join(threads[i]);
    quiet();
}

// One that comes later cannot take what another was woken for.
TEST(signal_is_for_the_one_that_waits)
{
    struct thread *waits;
    struct puppet late;

    start();
    set(0);
    puppet_start(&late, "late", PRIORITY_HIGH);
    waits = make("waits", PRIORITY_NORMAL, wait_and_note, "w");
    settle();
    late.action = wait_for;
    late.thing  = &s;
    late.busy   = true;
    cli();
    semaphore_signal(&s);
    CHECK_EQ(waits->state, THREAD_READY);
    CHECK_EQ(s.count, 0);
    semaphore_signal(&late.told);
    sti();
    settle();
    CHECK(late.busy);
    CHECK_NOTES("w");
    thread_join(waits);
    semaphore_signal(&s);
    CHECK(!late.busy);
    puppet_end(&late);
    quiet();
}

TEST(semaphore_leaves_interrupts_as_they_were)
{
    start();
    set(1);
    semaphore_wait(&s);
    CHECK(interrupts_are_enabled());
    semaphore_signal(&s);
    CHECK(interrupts_are_enabled());
    cli();
    semaphore_wait(&s);
    CHECK(!interrupts_are_enabled());
    semaphore_signal(&s);
    CHECK(!interrupts_are_enabled());
    quiet();
}

// Waiting with interrupts disabled: they are enabled for others.
TEST(waiting_with_interrupts_disabled)
{
    struct thread *other, *signals;

    start();
    set(0);
    other   = make("other", PRIORITY_NORMAL, note_argument, "o");
    signals = make("signals", PRIORITY_LOW,
                   (void (*)(void *))semaphore_signal, &s);
    cli();
    semaphore_wait(&s);
    CHECK(!interrupts_are_enabled());
    CHECK_NOTES("o");
    sti();
    thread_join(other);
    thread_join(signals);
    quiet();
}

static void signal(void)
{
    semaphore_signal(&s);
}

TEST(handlers_signal)
{
    struct thread *thread;

    start();
    set(0);
    interrupt_by(signal);
    CHECK_EQ(s.count, 1);
    semaphore_wait(&s);
    thread = make("waits", PRIORITY_NORMAL, wait_and_note, "w");
    settle();
    interrupt_by(signal);
    CHECK_NOTES("");
    CHECK_EQ(s.count, 0);
    thread_yield();
    CHECK_NOTES("w");
    thread_join(thread);
    quiet();
}

static struct thread *waiters[WAITERS];
static int through;

static void go_through(void *argument)
{
    semaphore_wait(&s);
    CHECK_EQ(argument, &waiters[through]);
    through++;
}

TEST(many_waiters_come_in_order)
{
    start();
    set(0);
    through = 0;
    for (int i = 0; i < WAITERS; i++)
        waiters[i] =
            make("waits", PRIORITY_NORMAL, go_through, &waiters[i]);
    thread_yield();
    CHECK_EQ(through, 0);
    for (int i = 0; i < WAITERS; i++)
        semaphore_signal(&s);
    CHECK_EQ(s.count, 0);
    for (int i = 0; i < WAITERS; i++)
        thread_join(waiters[i]);
    CHECK_EQ(through, WAITERS);
    quiet();
}

// In a storm

static volatile uint64_t taken;

static void take(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t flags;

        semaphore_wait(&s);
        flags = interrupts_disable();
        taken++;
        interrupts_restore(flags);
    }
}

static void give(void *argument)
{
    uint32_t seed = (uint64_t)argument;

    for (int i = 0; i < ROUNDS; i++) {
        for (int n = random_of(&seed) % 50; n > 0; n--)
            asm volatile("pause");
        semaphore_signal(&s);
    }
}

TEST(none_is_lost_and_none_is_made_in_a_storm)
{
    struct thread *threads[6];

    start_storm(COUNT);
    set(0);
    taken = 0;
    for (uint64_t i = 0; i < 6; i++)
        threads[i] = make("any", (i + 1) % PRIORITIES,
                          i % 2 ? take : give, (void *)i);
    for (int i = 0; i < 6; i++)
        thread_join(threads[i]);
    CHECK_EQ(taken, 3 * ROUNDS);
    CHECK_EQ(s.count, 0);
    quiet();
}

static volatile int interrupts;

static void signal_often(struct trap_frame *frame)
{
    (void)frame;
    if (interrupts++ < INTERRUPTS)
        semaphore_signal(&s);
}

TEST(none_of_a_handler_is_lost)
{
    struct thread *spins;

    start();
    set(0);
    spins = start_spinning();
    cli();
    interrupts = 0;
    interrupt_set_handler(IRQ_TIMER, signal_often);
    start_pit(PERIODIC, COUNT);
    sti();
    for (int i = 0; i < INTERRUPTS; i++)
        semaphore_wait(&s);
    while (interrupts < INTERRUPTS + 2)
        ;
    quiet();
    stop_spinning(spins);
    CHECK_EQ(s.count, 0);
}

// Between any two instructions

static void wait_here(void)
{
    semaphore_wait(&s);
}

static void signal_here(void)
{
    semaphore_signal(&s);
}

TEST(no_signal_comes_between_looking_and_waiting)
{
    int n = 1 - BETWEEN_STRIDE;

    do {
        set(0);
        n += BETWEEN_STRIDE;
    } while (acts_after(n, wait_here, signal) && CHECK_EQ(s.count, 0));
    CHECK(n > 5);
}

TEST(two_signals_at_once_are_both_kept)
{
    int n = 1 - BETWEEN_STRIDE;

    do {
        set(0);
        n += BETWEEN_STRIDE;
    } while (acts_after(n, signal_here, signal) &&
             CHECK_EQ(s.count, 2));
    CHECK(n > 5);
}

TEST(two_waits_at_once_take_two)
{
    int n = 1 - BETWEEN_STRIDE;

    do {
        set(2);
        n += BETWEEN_STRIDE;
    } while (acts_after(n, wait_here, wait_here) &&
             CHECK_EQ(s.count, 0));
    CHECK(n > 5);
}

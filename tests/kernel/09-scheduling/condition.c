// condition.c: waiting for something to become true, of which no news
// is missed.

#include "between.h"
#include "puppets.h"

#include "condition.h"

enum { COUNT = 120, ROUNDS = 10000, WAITERS = 6 };

static struct mutex mutex;
static struct condition changed, other;
static volatile bool is_so;

static void check_rest(void)
{
    CHECK_EQ(mutex.owner, NULL);
    CHECK_EQ(thread_queue_priority(&mutex.waiting), -1);
    CHECK_EQ(thread_queue_priority(&changed.waiting), -1);
    CHECK_EQ(thread_queue_priority(&other.waiting), -1);
    CHECK_EQ(thread_current()->held, NULL);
}

static void wait_once(void *argument)
{
    mutex_lock(&mutex);
    condition_wait(&changed, &mutex);
    CHECK_EQ(mutex.owner, thread_current());
    note_argument(argument);
    mutex_unlock(&mutex);
}

static struct thread *threads[WAITERS];

static void make_waiters(void)
{
    for (int i = 0; i < WAITERS; i++)
        threads[i] =
            make("waits", i % PRIORITIES, wait_once, &"lnhLNH"[i]);
    settle();
    for (int i = 0; i < WAITERS; i++)
        CHECK_EQ(threads[i]->state, THREAD_WAITING);
    CHECK_NOTES("");
    CHECK_EQ(mutex.owner, NULL);
}

static void join_waiters(void)
{
    for (int i = 0; i < WAITERS; i++)
        thread_join(threads[i]);
    check_rest();
    quiet();
}

TEST(signal_wakes_one_of_the_highest_priority)
{
    static const char order[] = "hHnNlL";

    start();
    make_waiters();
    for (int i = 0; i < WAITERS; i++) {
        condition_signal(&changed);
        settle();
        CHECK_EQ(noted, i + 1);
        CHECK_EQ(notes[i], order[i]);
    }
    join_waiters();
}

TEST(broadcast_wakes_all)
{
    start();
    make_waiters();
    condition_broadcast(&changed);
    settle();
    CHECK_NOTES("hHnNlL");
    join_waiters();
}

TEST(signal_without_a_waiter_is_forgotten)
{
    start();
    condition_signal(&changed);
    condition_broadcast(&changed);
    CHECK(interrupts_are_enabled());
    make_waiters();
    condition_signal(&other);
    condition_broadcast(&other);
    settle();
    CHECK_NOTES("");
    condition_broadcast(&changed);
    join_waiters();
}

static void news_for_a_higher_one(void (*tell)(struct condition *))
{
    struct thread *high;

    start();
    high = make("high", PRIORITY_HIGH, wait_once, "h");
    note('1');
    tell(&changed);
    note('2');
    CHECK_NOTES("1h2");
    thread_join(high);
    check_rest();
    quiet();
}

TEST(higher_one_that_is_told_runs_at_once)
{
    news_for_a_higher_one(condition_signal);
    news_for_a_higher_one(condition_broadcast);
}

// It waits for the mutex then, and lends its priority.
TEST(who_is_woken_needs_the_mutex)
{
    struct thread *high;

    start();
    high = make("high", PRIORITY_HIGH, wait_once, "h");
    mutex_lock(&mutex);
    condition_signal(&changed);
    CHECK_EQ(high->waits_for, &mutex);
    CHECK_EQ(thread_current()->priority, PRIORITY_HIGH);
    CHECK_NOTES("");
    mutex_unlock(&mutex);
    CHECK_NOTES("h");
    CHECK_EQ(thread_current()->priority, PRIORITY_NORMAL);
    thread_join(high);
    check_rest();
    quiet();
}

static void signal(void)
{
    condition_signal(&changed);
}

TEST(waiting_leaves_interrupts_as_they_were)
{
    struct thread *thread;

    start();
    thread = make("signals", PRIORITY_LOW,
                  (void (*)(void *))condition_signal, &changed);
    mutex_lock(&mutex);
    condition_wait(&changed, &mutex);
    CHECK(interrupts_are_enabled());
    thread_join(thread);
    thread = make("signals", PRIORITY_LOW,
                  (void (*)(void *))condition_signal, &changed);
    cli();
    condition_wait(&changed, &mutex);
    CHECK(!interrupts_are_enabled());
    condition_signal(&other);
    condition_broadcast(&other);
    CHECK(!interrupts_are_enabled());
    mutex_unlock(&mutex);
    sti();
    thread_join(thread);
    check_rest();
    quiet();
}

TEST(handler_signals)
{
    struct thread *high;

    start();
    high = make("high", PRIORITY_HIGH, wait_once, "h");
    interrupt_by(signal);
    CHECK_NOTES("h");
    thread_join(high);
    check_rest();
    quiet();
}

// Between any two instructions: whoever changes something locks the
// mutex, and so comes before the question or into the wait.

static void wait_until_so(void)
{
    mutex_lock(&mutex);
    while (!is_so)
        condition_wait(&changed, &mutex);
    mutex_unlock(&mutex);
}

static void make_so(void)
{
    mutex_lock(&mutex);
    is_so = true;
    condition_signal(&changed);
    mutex_unlock(&mutex);
}

TEST(no_news_comes_between_asking_and_waiting)
{
    int n = 1 - BETWEEN_STRIDE;

    do {
        is_so = false;
        n += BETWEEN_STRIDE;
    } while (acts_after(n, wait_until_so, make_so));
    CHECK(n > 20);
    check_rest();
}

static void broadcast_so(void)
{
    mutex_lock(&mutex);
    is_so = true;
    mutex_unlock(&mutex);
    condition_broadcast(&changed);
}

TEST(no_broadcast_comes_between_unlocking_and_waiting)
{
    int n = 1 - BETWEEN_STRIDE;

    do {
        is_so = false;
        n += BETWEEN_STRIDE;
    } while (acts_after(n, wait_until_so, broadcast_so));
    CHECK(n > 20);
    check_rest();
}

// Ping-pong, in a storm

static volatile int turn;
static volatile uint64_t rounds;

static void play(void *argument)
{
    int mine      = (uint64_t)argument;
    uint32_t seed = mine;

    for (int i = 0; i < ROUNDS; i++) {
        mutex_lock(&mutex);
        while (turn != mine)
            condition_wait(&changed, &mutex);
        CHECK_EQ(rounds, 2 * i + mine);
        rounds++;
        turn = 1 - mine;
        condition_signal(&changed);
        mutex_unlock(&mutex);
        for (int n = random_of(&seed) % 20; n > 0; n--)
            asm volatile("pause");
    }
}

static void play_at(enum priority first, enum priority second)
{
    struct thread *players[2];

    start_storm(COUNT);
    turn       = 0;
    rounds     = 0;
    players[0] = make("ping", first, play, (void *)0ul);
    players[1] = make("pong", second, play, (void *)1ul);
    for (int i = 0; i < 2; i++)
        thread_join(players[i]);
    CHECK_EQ(rounds, 2 * ROUNDS);
    quiet();
    check_rest();
}

TEST(no_wakeup_is_lost_in_a_storm)
{
    play_at(PRIORITY_NORMAL, PRIORITY_NORMAL);
    play_at(PRIORITY_LOW, PRIORITY_HIGH);
}

// mutex.c: one at a time, each in turn, and nobody waits for threads of
// a lower priority than its own.

#include "puppets.h"

enum { COUNT = 120, THREADS = 5, ROUNDS = 1000 };

static struct mutex m, m2, m3;
static struct semaphore go, ready;

static void check_free(void)
{
    CHECK_EQ(m.owner, NULL);
    CHECK_EQ(m2.owner, NULL);
    CHECK_EQ(m3.owner, NULL);
    CHECK_EQ(thread_queue_priority(&m.waiting), -1);
    CHECK_EQ(thread_queue_priority(&m2.waiting), -1);
    CHECK_EQ(thread_queue_priority(&m3.waiting), -1);
    CHECK_EQ(thread_current()->held, NULL);
    CHECK_EQ(thread_current()->waits_for, NULL);
    CHECK_EQ(thread_current()->priority, PRIORITY_NORMAL);
    CHECK_EQ(thread_current()->own, PRIORITY_NORMAL);
    CHECK_EQ(go.count, 0);
    CHECK_EQ(ready.count, 0);
}

static void end(struct thread *thread)
{
    CHECK_EQ(thread->priority, thread->own);
    thread_join(thread);
}

TEST(owner_is_who_has_locked_it)
{
    start();
    mutex_lock(&m);
    CHECK_EQ(m.owner, thread_current());
    CHECK_EQ(thread_current()->held, &m);
    CHECK(interrupts_are_enabled());
    mutex_unlock(&m);
    CHECK(interrupts_are_enabled());
    check_free();
    cli();
    mutex_lock(&m);
    mutex_unlock(&m);
    CHECK(!interrupts_are_enabled());
    check_free();
    quiet();
}

// In whichever order they are unlocked.
TEST(several_are_held_and_unlocked_in_any_order)
{
    struct mutex *const all[] = {&m, &m2, &m3};

    start();
    for (int first = 0; first < 3; first++)
        for (int second = 1; second < 3; second++) {
            for (int i = 0; i < 3; i++)
                mutex_lock(all[i]);
            mutex_unlock(all[first]);
            CHECK_EQ(all[first]->owner, NULL);
            mutex_unlock(all[(first + second) % 3]);
            CHECK_EQ(thread_current()->held,
                     all[(first + 3 - second) % 3]);
            mutex_unlock(all[(first + 3 - second) % 3]);
            check_free();
        }
    quiet();
}

static volatile uint64_t counter;
static volatile int inside;

static void work(uint32_t *seed)
{
    uint64_t seen = counter;

    CHECK_EQ(inside++, 0);
    for (int n = random_of(seed) % 200; n > 0; n--)
        asm volatile("pause");
    if (random_of(seed) % 8 == 0)
        thread_yield();
    counter = seen + 1;
    inside--;
}

static void count_up(void *argument)
{
    uint32_t seed = (uint64_t)argument;

    for (int i = 0; i < ROUNDS; i++) {
        mutex_lock(&m);
        work(&seed);
        mutex_unlock(&m);
    }
}

TEST(one_at_a_time_in_a_storm)
{
    struct thread *threads[THREADS];

    start_storm(COUNT);
    counter = 0;
    for (uint64_t i = 0; i < THREADS; i++)
        threads[i] =
            make("counts", i % PRIORITIES, count_up, (void *)i);
    for (int i = 0; i < THREADS; i++)
        end(threads[i]);
    CHECK_EQ(counter, THREADS * ROUNDS);
    quiet();
    check_free();
}

// The order of those who wait

static void lock_and_note(void *argument)
{
    mutex_lock(&m);
    note_argument(argument);
    mutex_unlock(&m);
}

TEST(mutex_comes_by_priority_and_then_in_order)
{
    struct thread *threads[6];

    start();
    mutex_lock(&m);
    for (int i = 0; i < 6; i++)
        threads[i] =
            make("waits", i % PRIORITIES, lock_and_note, &"lnhLNH"[i]);
    for (int i = 0; i < 10; i++)
        thread_yield();
    CHECK_NOTES("");
    settle();
    mutex_unlock(&m);
    note('m');
    for (int i = 0; i < 6; i++)
        end(threads[i]);
    CHECK_NOTES("hHmnNlL");
    quiet();
    check_free();
}

// Who unlocks it and comes again is the last one.
TEST(unlocking_hands_over)
{
    struct thread *first, *second;

    start();
    mutex_lock(&m);
    first  = make("first", PRIORITY_NORMAL, lock_and_note, "1");
    second = make("second", PRIORITY_NORMAL, lock_and_note, "2");
    thread_yield();
    mutex_unlock(&m);
    CHECK_EQ(m.owner, first);
    CHECK_EQ(first->held, &m);
    CHECK_EQ(first->waits_for, NULL);
    CHECK_EQ(first->state, THREAD_READY);
    CHECK_EQ(second->waits_for, &m);
    CHECK_NOTES("");
    mutex_lock(&m);
    note('m');
    mutex_unlock(&m);
    CHECK_NOTES("12m");
    end(first);
    end(second);
    quiet();
    check_free();
}

TEST(unlocking_lets_a_higher_one_run_at_once)
{
    struct thread *high;

    start();
    mutex_lock(&m);
    high = make("high", PRIORITY_HIGH, lock_and_note, "h");
    note('1');
    mutex_unlock(&m);
    note('2');
    CHECK_NOTES("1h2");
    end(high);
    quiet();
    check_free();
}

// Lending. A low one locks, a high one waits, and one between them must
// not come in between.

static void lock_and_work(void *argument)
{
    mutex_lock(&m);
    semaphore_signal(&ready);
    note_argument(argument);
    mutex_unlock(&m);
    note('.');
}

static struct thread *make_low_owner(void)
{
    struct thread *low = make("low", PRIORITY_LOW, lock_and_work, "l");

    semaphore_wait(&ready);
    CHECK_EQ(m.owner, low);
    CHECK_EQ(low->priority, PRIORITY_LOW);
    CHECK_EQ(low->state, THREAD_READY);
    return low;
}

TEST(owner_has_the_priority_of_who_waits)
{
    struct thread *low, *high;

    start();
    low  = make_low_owner();
    high = make("high", PRIORITY_HIGH, lock_and_note, "h");
    note('m');
    CHECK_NOTES("lhm");
    CHECK_EQ(low->priority, PRIORITY_LOW);
    CHECK_EQ(low->own, PRIORITY_LOW);
    end(high);
    end(low);
    CHECK_NOTES("lhm.");
    quiet();
    check_free();
}

TEST(lower_and_equal_ones_lend_nothing)
{
    struct thread *low, *same;

    start();
    mutex_lock(&m);
    low  = make("low", PRIORITY_LOW, lock_and_note, "l");
    same = make("same", PRIORITY_NORMAL, lock_and_note, "n");
    thread_yield();
    CHECK_EQ(thread_current()->priority, PRIORITY_NORMAL);
    CHECK_EQ(same->waits_for, &m);
    mutex_unlock(&m);
    end(same);
    end(low);
    CHECK_NOTES("nl");
    quiet();
    check_free();
}

static struct puppet low, a, b, same, high;

static void start_puppets(void)
{
    start();
    puppet_start(&low, "low", PRIORITY_LOW);
    puppet_start(&a, "a", PRIORITY_LOW);
    puppet_start(&b, "b", PRIORITY_LOW);
    puppet_start(&same, "same", PRIORITY_NORMAL);
    puppet_start(&high, "high", PRIORITY_HIGH);
}

static void end_puppets(void)
{
    puppet_end(&low);
    puppet_end(&a);
    puppet_end(&b);
    puppet_end(&same);
    puppet_end(&high);
    quiet();
    check_free();
}

#define CHECK_PRIORITY(puppet, expected) \
    CHECK_EQ((puppet).thread->priority, PRIORITY_##expected)

// high waits for m3 of b, which waits for m2 of a, which waits for m of
// low.
TEST(priority_is_lent_along_a_chain)
{
    start_puppets();
    CHECK(puppet_do(&low, lock, &m));
    CHECK(puppet_do(&a, lock, &m2));
    CHECK(!puppet_do(&a, lock, &m));
    CHECK(puppet_do(&b, lock, &m3));
    CHECK(!puppet_do(&b, lock, &m2));
    CHECK_PRIORITY(low, LOW);
    CHECK(!puppet_do(&high, lock, &m3));
    CHECK_PRIORITY(low, HIGH);
    CHECK_PRIORITY(a, HIGH);
    CHECK_PRIORITY(b, HIGH);

    CHECK(puppet_do(&low, unlock, &m));
    CHECK(!a.busy);
    CHECK_PRIORITY(low, LOW);
    CHECK_PRIORITY(a, HIGH);
    CHECK(puppet_do(&a, unlock, &m));
    CHECK_PRIORITY(a, HIGH);
    CHECK(puppet_do(&a, unlock, &m2));
    CHECK(!b.busy);
    CHECK_PRIORITY(a, LOW);
    CHECK_PRIORITY(b, HIGH);
    CHECK(puppet_do(&b, unlock, &m3));
    CHECK(!high.busy);
    CHECK_PRIORITY(b, LOW);
    CHECK(puppet_do(&b, unlock, &m2));
    CHECK(puppet_do(&high, unlock, &m3));
    end_puppets();
}

// The chain is not what it was: who waited once waits no longer.
TEST(nothing_is_lent_to_whom_nobody_waits_for)
{
    start_puppets();
    CHECK(puppet_do(&low, lock, &m));
    CHECK(!puppet_do(&a, lock, &m));
    CHECK(puppet_do(&low, unlock, &m));
    CHECK(!a.busy);
    CHECK_EQ(a.thread->waits_for, NULL);
    CHECK(puppet_do(&low, lock, &m2));
    CHECK(!puppet_do(&high, lock, &m));
    CHECK_PRIORITY(a, HIGH);
    CHECK_PRIORITY(low, LOW);
    CHECK(puppet_do(&a, unlock, &m));
    CHECK(puppet_do(&high, unlock, &m));
    CHECK(puppet_do(&low, unlock, &m2));
    end_puppets();
}

// m is wanted by same, m2 by high, m3 by nobody.
static void hold_two(bool swapped)
{
    start_puppets();
    CHECK(puppet_do(&low, lock, swapped ? &m2 : &m));
    CHECK(puppet_do(&low, lock, swapped ? &m : &m2));
    CHECK(puppet_do(&low, lock, &m3));
    CHECK(!puppet_do(&same, lock, &m));
    CHECK_PRIORITY(low, NORMAL);
    CHECK(!puppet_do(&high, lock, &m2));
    CHECK_PRIORITY(low, HIGH);
    CHECK_EQ(low.thread->own, PRIORITY_LOW);
}

static void hold_none(void)
{
    CHECK_PRIORITY(low, LOW);
    CHECK(puppet_do(&low, unlock, &m3));
    CHECK(puppet_do(&same, unlock, &m));
    CHECK(puppet_do(&high, unlock, &m2));
    end_puppets();
}

TEST(priority_falls_back_step_by_step)
{
    for (int swapped = 0; swapped < 2; swapped++) {
        hold_two(swapped);
        CHECK(puppet_do(&low, unlock, &m2));
        CHECK(!high.busy);
        CHECK(same.busy);
        CHECK_PRIORITY(low, NORMAL);
        CHECK(puppet_do(&low, unlock, &m));
        CHECK(!same.busy);
        hold_none();
    }
}

TEST(priority_stays_while_the_highest_waits)
{
    for (int swapped = 0; swapped < 2; swapped++) {
        hold_two(swapped);
        CHECK(puppet_do(&low, unlock, &m));
        CHECK(!same.busy);
        CHECK(high.busy);
        CHECK_PRIORITY(low, HIGH);
        CHECK(puppet_do(&low, unlock, &m2));
        CHECK(!high.busy);
        hold_none();
    }
}

TEST(unlocking_what_nobody_wants_takes_nothing_back)
{
    start_puppets();
    CHECK(puppet_do(&low, lock, &m));
    CHECK(puppet_do(&low, lock, &m2));
    CHECK(!puppet_do(&high, lock, &m));
    CHECK(puppet_do(&low, unlock, &m2));
    CHECK_PRIORITY(low, HIGH);
    CHECK(puppet_do(&low, lock, &m3));
    CHECK_PRIORITY(low, HIGH);
    CHECK(puppet_do(&low, unlock, &m));
    CHECK_PRIORITY(low, LOW);
    CHECK(puppet_do(&low, unlock, &m3));
    CHECK(puppet_do(&high, unlock, &m));
    end_puppets();
}

// While it waits for something else: there too it is the first one now.
TEST(priority_is_lent_to_one_that_waits_for_a_semaphore)
{
    start_puppets();
    CHECK(puppet_do(&low, lock, &m));
    CHECK(!puppet_do(&same, wait_for, &go));
    CHECK(!puppet_do(&low, wait_for, &go));
    CHECK(!puppet_do(&high, lock, &m));
    CHECK_PRIORITY(low, HIGH);
    semaphore_signal(&go);
    settle();
    CHECK(!low.busy);
    CHECK(same.busy);
    CHECK(puppet_do(&low, unlock, &m));
    CHECK(puppet_do(&high, unlock, &m));
    semaphore_signal(&go);
    settle();
    CHECK(!same.busy);
    end_puppets();
}

// low has m. a has m2 and waits for m, and so does same. high waits for
// m2: of those who wait for m, a comes first now.
TEST(priority_is_lent_to_one_that_waits_for_a_mutex)
{
    start_puppets();
    CHECK(puppet_do(&low, lock, &m));
    CHECK(puppet_do(&a, lock, &m2));
    CHECK(!puppet_do(&same, lock, &m));
    CHECK(!puppet_do(&a, lock, &m));
    CHECK_PRIORITY(low, NORMAL);
    CHECK_PRIORITY(a, LOW);
    CHECK(!puppet_do(&high, lock, &m2));
    CHECK_PRIORITY(low, HIGH);
    CHECK_PRIORITY(a, HIGH);
    CHECK(puppet_do(&low, unlock, &m));
    CHECK(!a.busy);
    CHECK(same.busy);
    CHECK_PRIORITY(low, LOW);

    // The new owner has it from both sides.
    CHECK(puppet_do(&a, unlock, &m2));
    CHECK(!high.busy);
    CHECK_PRIORITY(a, NORMAL);
    CHECK(puppet_do(&a, unlock, &m));
    CHECK_PRIORITY(a, LOW);
    CHECK(puppet_do(&same, unlock, &m));
    CHECK(puppet_do(&high, unlock, &m2));
    end_puppets();
}

// b has m2 and waits for m, which is a's. That is no deadlock of low,
// which waits for m2, and later none of a, which waits for what low
// does not have.
TEST(many_may_wait_in_a_row)
{
    start_puppets();
    CHECK(puppet_do(&a, lock, &m));
    CHECK(puppet_do(&b, lock, &m2));
    CHECK(!puppet_do(&b, lock, &m));
    CHECK(!puppet_do(&low, lock, &m2));
    CHECK(puppet_do(&same, lock, &m3));
    CHECK(!puppet_do(&a, lock, &m3));
    CHECK(puppet_do(&same, unlock, &m3));
    CHECK(!a.busy);
    CHECK(puppet_do(&a, unlock, &m3));
    CHECK(puppet_do(&a, unlock, &m));
    CHECK(!b.busy);
    CHECK(low.busy);
    CHECK(puppet_do(&b, unlock, &m2));
    CHECK(!low.busy);
    CHECK(puppet_do(&b, unlock, &m));
    CHECK(puppet_do(&low, unlock, &m2));
    end_puppets();
}

// All that a thread can do to others is lend: three mutexes taken in
// one order, by threads of all priorities, under a storm.
static void take_some(void *argument)
{
    struct mutex *const all[] = {&m, &m2, &m3};
    uint32_t seed             = (uint64_t)argument;

    for (int i = 0; i < ROUNDS / 4; i++) {
        unsigned set = 1 + random_of(&seed) % 7;

        for (int n = 0; n < 3; n++)
            if (set >> n & 1)
                mutex_lock(all[n]);
        if (set & 1)
            work(&seed);
        if (random_of(&seed) % 16 == 0)
            thread_sleep_until(timer_ticks() + 1);
        for (int n = 0; n < 3; n++)
            if (set >> n & 1)
                mutex_unlock(all[n]);
        CHECK_EQ(thread_current()->held, NULL);
        CHECK_EQ(thread_current()->priority, thread_current()->own);
    }
}

TEST(priorities_are_as_before_after_a_storm)
{
    struct thread *threads[THREADS];

    start_storm(COUNT);
    for (uint64_t i = 0; i < THREADS; i++)
        threads[i] =
            make("takes", i % PRIORITIES, take_some, (void *)i);
    for (int i = 0; i < THREADS; i++)
        end(threads[i]);
    quiet();
    check_free();
}

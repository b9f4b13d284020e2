// check.c: waiting for a mutex, but not for ever. Ticks are made by
// hand.

#include "09-scheduling/puppets.h"

#include "../../escaped.h"

enum { COUNT = 120, THREADS = 5, ROUNDS = 1000 };

static struct mutex m, m2, m3;
static struct semaphore go;

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
    CHECK_EQ(go.count, 0);
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

// What a puppet does: until so many ticks from now.
struct attempt {
    struct mutex *mutex;
    uint64_t ticks;
    bool locked;
    uint64_t at;  // this tick
};

static void try_to_lock(void *argument)
{
    struct attempt *attempt = argument;
    uint64_t until          = timer_ticks() + attempt->ticks;

    attempt->locked = mutex_lock_until(attempt->mutex, until);
    attempt->at     = timer_ticks();
    CHECK(interrupts_are_enabled());
    CHECK_EQ(thread_current()->waits_for, NULL);
    CHECK_EQ(attempt->mutex->owner == thread_current(),
             attempt->locked);
}

static void ticks_and_settle(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        tick();
        settle();
    }
}

#define CHECK_PRIORITY(puppet, expected) \
    CHECK_EQ((puppet).thread->priority, PRIORITY_##expected)

#define CHECK_WAITS(puppet) \
    CHECK((puppet).busy && (puppet).thread->state == THREAD_WAITING)

// Without waiting

TEST(one_that_is_free_is_locked_at_once)
{
    const uint64_t until[] = {0, 1, timer_ticks(), timer_ticks() + 7,
                              UINT64_MAX};

    start();
    for (int i = 0; i < 5; i++) {
        CHECK(mutex_lock_until(&m, until[i]));
        CHECK_EQ(m.owner, thread_current());
        CHECK_EQ(thread_current()->held, &m);
        CHECK(interrupts_are_enabled());
        mutex_unlock(&m);
        check_free();
    }
    cli();
    CHECK(mutex_lock_until(&m, 0));
    mutex_unlock(&m);
    CHECK(!interrupts_are_enabled());
    check_free();
    quiet();
}

TEST(there_is_no_waiting_when_the_time_is_over)
{
    start_puppets();
    tick();
    CHECK(puppet_do(&low, lock, &m));
    cli();
    CHECK(!mutex_lock_until(&m, timer_ticks()));
    CHECK(!mutex_lock_until(&m, timer_ticks() - 1));
    CHECK(!mutex_lock_until(&m, 0));
    CHECK(!interrupts_are_enabled());
    CHECK_EQ(m.owner, low.thread);
    CHECK_EQ(thread_current()->waits_for, NULL);
    CHECK_EQ(thread_current()->held, NULL);
    CHECK_PRIORITY(low, LOW);
    sti();
    CHECK(!mutex_lock_until(&m, timer_ticks()));
    CHECK(interrupts_are_enabled());
    CHECK(puppet_do(&low, unlock, &m));
    end_puppets();
}

TEST(own_one_is_not_locked_again)
{
    start();
    mutex_lock(&m);
    CHECK(!mutex_lock_until(&m, timer_ticks()));
    CHECK_EQ(m.owner, thread_current());
    mutex_unlock(&m);
    check_free();
    quiet();
}

// Waiting

TEST(waiting_ends_with_the_tick)
{
    static const uint64_t times[] = {1, 2, 3, 63, 64, 65, 128, 200};

    start_puppets();
    mutex_lock(&m);
    for (int i = 0; i < 8; i++) {
        struct attempt attempt = {&m, times[i], true, 0};

        CHECK(!puppet_do(&same, try_to_lock, &attempt));
        ticks_and_settle(times[i] - 1);
        CHECK_WAITS(same);
        ticks_and_settle(1);
        CHECK(!same.busy);
        CHECK(!attempt.locked);
        CHECK_EQ(m.owner, thread_current());
        CHECK_EQ(thread_queue_priority(&m.waiting), -1);
    }
    mutex_unlock(&m);
    end_puppets();
}

TEST(each_waits_for_its_own_tick)
{
    struct attempt attempts[4] = {{&m, 2, true, 0},
                                  {&m, 2, true, 0},
                                  {&m, 4, true, 0},
                                  {&m, 1, true, 0}};

    start_puppets();
    mutex_lock(&m);
    CHECK(!puppet_do(&low, try_to_lock, &attempts[0]));
    CHECK(!puppet_do(&same, try_to_lock, &attempts[1]));
    CHECK(!puppet_do(&a, try_to_lock, &attempts[2]));
    CHECK(!puppet_do(&high, try_to_lock, &attempts[3]));
    ticks_and_settle(1);
    CHECK(low.busy && same.busy && a.busy && !high.busy);
    ticks_and_settle(1);
    CHECK(!low.busy && !same.busy && a.busy);
    mutex_unlock(&m);
    settle();
    CHECK(!a.busy);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(attempts[i].locked, i == 2);
    CHECK(puppet_do(&a, unlock, &m));
    end_puppets();
}

TEST(unlocking_hands_over_by_priority)
{
    struct attempt first  = {&m, 9, false, 0},
                   second = {&m, 9, false, 0};

    start_puppets();
    mutex_lock(&m);
    CHECK(!puppet_do(&low, try_to_lock, &first));
    CHECK(!puppet_do(&a, lock, &m));
    CHECK(!puppet_do(&high, try_to_lock, &second));
    mutex_unlock(&m);
    CHECK(!high.busy);
    CHECK(second.locked);
    CHECK(puppet_do(&high, unlock, &m));
    CHECK(!low.busy);
    CHECK(first.locked);
    CHECK(a.busy);
    CHECK(puppet_do(&low, unlock, &m));
    CHECK(!a.busy);
    CHECK(puppet_do(&a, unlock, &m));
    end_puppets();
}

TEST(waiting_may_take_for_ever)
{
    struct attempt attempt = {&m, 0, false, 0};

    start_puppets();
    mutex_lock(&m);
    attempt.ticks = UINT64_MAX - timer_ticks();
    CHECK(!puppet_do(&low, try_to_lock, &attempt));
    CHECK(!puppet_do(&same, lock, &m));
    ticks_and_settle(300);
    CHECK_WAITS(low);
    CHECK_WAITS(same);
    mutex_unlock(&m);
    settle();
    CHECK(puppet_do(&same, unlock, &m));
    CHECK(attempt.locked);
    CHECK(puppet_do(&low, unlock, &m));
    end_puppets();
}

// It has got the mutex in time, but not yet the CPU.
TEST(what_was_handed_over_in_time_is_locked)
{
    struct attempt attempt = {&m, 2, false, 0};

    start_puppets();
    mutex_lock(&m);
    CHECK(!puppet_do(&low, try_to_lock, &attempt));
    tick();
    mutex_unlock(&m);
    CHECK_EQ(m.owner, low.thread);
    for (int i = 0; i < 5; i++)
        tick();
    CHECK(low.busy);
    settle();
    CHECK(!low.busy);
    CHECK(attempt.locked);
    CHECK(puppet_do(&low, unlock, &m));
    end_puppets();
}

static uint64_t unlock_at, busy_until;

static void be_busy(void *unused)
{
    (void)unused;
    while (timer_ticks() < busy_until) {
        if (timer_ticks() == unlock_at && m.owner == thread_current())
            mutex_unlock(&m);
        tick();
    }
}

// It has the mutex just in time, and then its turn, like others.
TEST(who_has_it_has_the_cpu_in_turn)
{
    struct attempt attempt = {&m, 60, false, 0};

    start_puppets();
    CHECK(puppet_do(&a, lock, &m));
    unlock_at  = timer_ticks() + attempt.ticks - 1;
    busy_until = timer_ticks() + 200;
    CHECK(!puppet_do(&low, try_to_lock, &attempt));
    CHECK(!puppet_do(&b, be_busy, NULL));
    CHECK(!puppet_do(&a, be_busy, NULL));
    for (int i = 0; i < 20; i++)
        settle();
    CHECK(!a.busy && !b.busy && !low.busy);
    CHECK(attempt.locked);
    CHECK(attempt.at < unlock_at + 10);
    CHECK(puppet_do(&low, unlock, &m));
    end_puppets();
}

// The tick that was given comes later.
TEST(who_has_it_is_not_woken_any_more)
{
    struct attempt attempt = {&m, 3, false, 0};

    start_puppets();
    mutex_lock(&m);
    CHECK(!puppet_do(&same, try_to_lock, &attempt));
    mutex_unlock(&m);
    settle();
    CHECK(attempt.locked);
    CHECK(!puppet_do(&same, wait_for, &go));
    ticks_and_settle(5);
    CHECK_WAITS(same);
    semaphore_signal(&go);
    settle();
    CHECK(puppet_do(&low, lock, &m2));
    CHECK(!puppet_do(&same, lock, &m2));
    ticks_and_settle(70);
    CHECK_WAITS(same);
    CHECK(puppet_do(&low, unlock, &m2));
    CHECK(puppet_do(&same, unlock, &m2));
    CHECK(puppet_do(&same, unlock, &m));
    end_puppets();
}

static void sleep_for(void *argument)
{
    thread_sleep_until(timer_ticks() + *(uint64_t *)argument);
}

TEST(who_gives_up_can_sleep_and_wait_as_before)
{
    struct attempt attempt = {&m, 2, false, 0};
    uint64_t three         = 3;

    start_puppets();
    mutex_lock(&m);
    CHECK(!puppet_do(&low, try_to_lock, &attempt));
    ticks_and_settle(2);
    CHECK(!low.busy);
    CHECK(!puppet_do(&low, sleep_for, &three));
    ticks_and_settle(2);
    CHECK_WAITS(low);
    mutex_unlock(&m);
    settle();
    CHECK_WAITS(low);
    ticks_and_settle(1);
    CHECK(!low.busy);
    CHECK_EQ(m.owner, NULL);
    CHECK(!puppet_do(&low, wait_for, &go));
    ticks_and_settle(70);
    CHECK_WAITS(low);
    semaphore_signal(&go);
    settle();
    end_puppets();
}

// Lending

TEST(priority_is_lent_while_one_waits)
{
    for (int in_time = 0; in_time < 2; in_time++) {
        struct attempt attempt = {&m, 3, false, 0};

        start_puppets();
        CHECK(puppet_do(&low, lock, &m));
        CHECK(!puppet_do(&high, try_to_lock, &attempt));
        CHECK_PRIORITY(low, HIGH);
        ticks_and_settle(2);
        CHECK_PRIORITY(low, HIGH);
        if (!in_time)
            tick();
        else
            CHECK(puppet_do(&low, unlock, &m));
        CHECK(!high.busy);
        CHECK_PRIORITY(low, LOW);
        CHECK_EQ(attempt.locked, in_time);
        CHECK(puppet_do(in_time ? &high : &low, unlock, &m));
        end_puppets();
    }
}

TEST(priority_is_taken_back_along_a_chain)
{
    struct attempt attempt = {&m3, 2, true, 0};

    start_puppets();
    CHECK(puppet_do(&low, lock, &m));
    CHECK(puppet_do(&a, lock, &m2));
    CHECK(!puppet_do(&a, lock, &m));
    CHECK(puppet_do(&b, lock, &m3));
    CHECK(!puppet_do(&b, lock, &m2));
    CHECK(!puppet_do(&high, try_to_lock, &attempt));
    CHECK_PRIORITY(low, HIGH);
    CHECK_PRIORITY(a, HIGH);
    CHECK_PRIORITY(b, HIGH);
    ticks_and_settle(2);
    CHECK(!attempt.locked);
    CHECK_PRIORITY(low, LOW);
    CHECK_PRIORITY(a, LOW);
    CHECK_PRIORITY(b, LOW);
    CHECK(puppet_do(&low, unlock, &m));
    CHECK(puppet_do(&a, unlock, &m));
    CHECK(puppet_do(&a, unlock, &m2));
    CHECK(puppet_do(&b, unlock, &m2));
    CHECK(puppet_do(&b, unlock, &m3));
    end_puppets();
}

// a gives up. What high lends it goes no further then.
TEST(chain_may_break_in_the_middle)
{
    struct attempt attempt = {&m, 2, true, 0};

    start_puppets();
    CHECK(puppet_do(&low, lock, &m));
    CHECK(puppet_do(&a, lock, &m2));
    CHECK(!puppet_do(&a, try_to_lock, &attempt));
    CHECK(!puppet_do(&high, lock, &m2));
    CHECK_PRIORITY(a, HIGH);
    CHECK_PRIORITY(low, HIGH);
    ticks_and_settle(2);
    CHECK(!a.busy);
    CHECK(!attempt.locked);
    CHECK_PRIORITY(a, HIGH);
    CHECK_PRIORITY(low, LOW);
    CHECK(puppet_do(&a, unlock, &m2));
    CHECK(!high.busy);
    CHECK_PRIORITY(a, LOW);
    CHECK(puppet_do(&high, unlock, &m2));
    CHECK(puppet_do(&low, unlock, &m));
    end_puppets();
}

// same waits on, for the same mutex or for another one.
TEST(what_others_lend_stays)
{
    struct mutex *const wanted[] = {&m, &m2};

    for (int i = 0; i < 2; i++) {
        struct attempt attempt = {&m, 2, true, 0};

        start_puppets();
        CHECK(puppet_do(&low, lock, &m));
        CHECK(puppet_do(&low, lock, &m2));
        CHECK(!puppet_do(&same, lock, wanted[i]));
        CHECK(!puppet_do(&high, try_to_lock, &attempt));
        CHECK_PRIORITY(low, HIGH);
        ticks_and_settle(2);
        CHECK(!attempt.locked);
        CHECK_PRIORITY(low, NORMAL);
        CHECK(puppet_do(&low, unlock, wanted[i]));
        CHECK_PRIORITY(low, LOW);
        CHECK(puppet_do(&low, unlock, wanted[1 - i]));
        CHECK(puppet_do(&same, unlock, wanted[i]));
        end_puppets();
    }
}

// In the middle of the chain somebody else lends as much.
TEST(what_others_lend_along_the_chain_stays)
{
    struct attempt attempt = {&m2, 2, true, 0};

    start_puppets();
    CHECK(puppet_do(&low, lock, &m));
    CHECK(puppet_do(&a, lock, &m2));
    CHECK(!puppet_do(&a, lock, &m));
    CHECK(!puppet_do(&same, lock, &m));
    CHECK(!puppet_do(&high, try_to_lock, &attempt));
    CHECK_PRIORITY(low, HIGH);
    CHECK_PRIORITY(a, HIGH);
    ticks_and_settle(2);
    CHECK_PRIORITY(low, NORMAL);
    CHECK_PRIORITY(a, LOW);
    CHECK(puppet_do(&low, unlock, &m));
    CHECK(!same.busy);
    CHECK(puppet_do(&same, unlock, &m));
    CHECK(puppet_do(&a, unlock, &m));
    CHECK(puppet_do(&a, unlock, &m2));
    end_puppets();
}

TEST(several_give_up_at_once)
{
    struct attempt first = {&m, 2, true, 0}, second = {&m, 2, true, 0};
    struct attempt third = {&m2, 2, true, 0};

    start_puppets();
    CHECK(puppet_do(&low, lock, &m));
    CHECK(puppet_do(&low, lock, &m2));
    CHECK(!puppet_do(&a, try_to_lock, &third));
    CHECK(!puppet_do(&same, try_to_lock, &first));
    CHECK(!puppet_do(&high, try_to_lock, &second));
    CHECK_PRIORITY(low, HIGH);
    ticks_and_settle(2);
    CHECK(!a.busy && !same.busy && !high.busy);
    CHECK(!first.locked && !second.locked && !third.locked);
    CHECK_PRIORITY(low, LOW);
    CHECK(puppet_do(&low, unlock, &m));
    CHECK(puppet_do(&low, unlock, &m2));
    end_puppets();
}

// Its time is over, and it has not had the CPU since. Meanwhile the
// mutex is unlocked, which it may then have or not, and somebody waits
// for what it has locked itself.
TEST(who_has_given_up_waits_for_nobody)
{
    struct attempt attempt = {&m, 1, true, 0};

    start_puppets();
    CHECK(puppet_do(&a, lock, &m2));
    mutex_lock(&m);
    CHECK(!puppet_do(&a, try_to_lock, &attempt));
    tick();
    CHECK(a.busy);
    mutex_unlock(&m);
    CHECK(!puppet_do(&high, lock, &m2));
    CHECK(!a.busy);
    CHECK_PRIORITY(a, HIGH);
    CHECK_EQ(m.owner == a.thread, attempt.locked);
    if (attempt.locked)
        CHECK(puppet_do(&a, unlock, &m));
    CHECK(puppet_do(&a, unlock, &m2));
    CHECK(puppet_do(&high, unlock, &m2));
    end_puppets();
}

// Many, at any time

static volatile uint64_t counter, locked;
static volatile int inside;

static void work(uint32_t *seed)
{
    uint64_t seen = counter;

    CHECK_EQ(inside++, 0);
    for (int n = random_of(seed) % 2000; n > 0; n--)
        asm volatile("pause");
    if (random_of(seed) % 4 == 0)
        thread_sleep_until(timer_ticks() + random_of(seed) % 4);
    counter = seen + 1;
    inside--;
}

static bool lock_somehow(struct mutex *mutex, uint32_t *seed)
{
    if (random_of(seed) % 8 != 0)
        return mutex_lock_until(mutex,
                                timer_ticks() + random_of(seed) % 4);
    mutex_lock(mutex);
    return true;
}

static void try_some(void *argument)
{
    struct thread *thread = thread_current();
    uint32_t seed         = (uint64_t)argument;

    for (int i = 0; i < ROUNDS; i++) {
        bool outer = random_of(&seed) % 2 && lock_somehow(&m2, &seed);

        if (lock_somehow(&m, &seed)) {
            uint64_t flags;

            CHECK_EQ(m.owner, thread);
            work(&seed);
            flags = interrupts_disable();
            locked++;
            interrupts_restore(flags);
            mutex_unlock(&m);
        }
        CHECK_EQ(m2.owner == thread, outer);
        if (outer)
            mutex_unlock(&m2);
        CHECK_EQ(thread->held, NULL);
        CHECK_EQ(thread->priority, thread->own);
    }
}

TEST(nothing_is_left_after_a_storm)
{
    struct thread *threads[THREADS];

    start_storm(COUNT);
    counter = locked = 0;
    for (uint64_t i = 0; i < THREADS; i++)
        threads[i] = make("tries", i % PRIORITIES, try_some, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(threads[i]->priority, threads[i]->own);
        thread_join(threads[i]);
    }
    CHECK_EQ(counter, locked);
    CHECK(locked > 0);
    quiet();
    check_free();
}

TEST(waiting_for_oneself_is_a_panic)
{
    start();
    mutex_lock(&m);
    CHECK_PANICS(mutex_lock_until(&m, timer_ticks() + 1));
    CHECK(contains(captured.text, "deadlock: thread 0, main"));
    thread_current()->waits_for = NULL;
    mutex_unlock(&m);
    quiet();
    check_free();
}

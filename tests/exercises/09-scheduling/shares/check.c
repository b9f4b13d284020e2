// check.c: who has which tick. Ticks are made by hand, by the thread
// that runs.

#include "09-scheduling/turns.h"

#include "mutex.h"
#include "printf.h"
#include "semaphore.h"

enum { WORKERS = 5, TICKS = 1500, USUAL = 10 };

struct worker {
    struct thread *thread;
    unsigned share;
    void (*before_tick)(struct worker *worker);
    uint32_t seed;
};

static struct worker workers[WORKERS];

// Who had which tick.
static struct {
    const struct worker *worker;
    enum priority priority;
} turns[TICKS];

static int turn, turns_end;

static void work(void *argument)
{
    struct worker *worker = argument;

    for (;;) {
        if (worker->before_tick)
            worker->before_tick(worker);
        if (turn >= turns_end)
            break;
        turns[turn].worker   = worker;
        turns[turn].priority = worker->thread->priority;
        turn++;
        tick();
    }
}

static void begin(int ticks)
{
    start();
    turn      = 0;
    turns_end = ticks;
}

static void employ(int n, unsigned share,
                   void (*before_tick)(struct worker *worker))
{
    workers[n] = (struct worker){
        .share       = share,
        .before_tick = before_tick,
        .seed        = n,
    };
    workers[n].thread = make("works", PRIORITY_LOW, work, &workers[n]);
    if (share != USUAL)
        thread_set_share(workers[n].thread, share);
}

static void join_workers(int count)
{
    for (int i = 0; i < count; i++)
        thread_join(workers[i].thread);
    quiet();
}

static void tell(int64_t share_a, int64_t share_b, int64_t most)
{
    char text[120];

    snprintf(text, sizeof(text),
             "a share of %ld is ahead of one of %ld by %ld/%ld, more "
             "than %ld/%ld",
             share_a, share_b, most, share_a * share_b,
             share_a + share_b, share_a * share_b);
    ktap_check(false, __FILE__, __LINE__, text);
}

// In no span of these ticks has a had more than it may, beside b, which
// could always run.
static void check_at_most(int a, int b, int from, int to,
                          enum priority priority)
{
    int64_t share_a = workers[a].share, share_b = workers[b].share;
    int64_t lead = 0, least = 0, most = 0;

    for (int i = from; i < to; i++) {
        if (turns[i].priority != priority)
            continue;
        if (turns[i].worker == &workers[a])
            lead += share_b;
        if (turns[i].worker == &workers[b])
            lead -= share_a;
        if (lead < least)
            least = lead;
        if (lead - least > most)
            most = lead - least;
    }
    if (most > share_a + share_b)
        tell(share_a, share_b, most);
}

static void check_fair(int a, int b, int from, int to)
{
    check_at_most(a, b, from, to, PRIORITY_LOW);
    check_at_most(b, a, from, to, PRIORITY_LOW);
}

// All are ready all the time

static void check_shares(const unsigned *shares, int count)
{
    begin(TICKS);
    for (int i = 0; i < count; i++)
        employ(i, shares[i], NULL);
    join_workers(count);
    for (int a = 0; a < count; a++)
        for (int b = 0; b < a; b++)
            check_fair(a, b, 0, TICKS);
}

TEST(equal_shares_go_round)
{
    static const unsigned shares[] = {10, 10, 10, 10, 10};
    static const unsigned most[]   = {100, 100, 100};

    for (int count = 1; count <= 5; count++)
        check_shares(shares, count);
    check_shares(most, 3);
}

TEST(ticks_are_as_the_shares_are)
{
    check_shares((const unsigned[]){1, 2, 3}, 3);
    check_shares((const unsigned[]){10, 20, 30, 40}, 4);
    check_shares((const unsigned[]){99, 100, 7, 1, 50}, 5);
    check_shares((const unsigned[]){33, 10, 67}, 3);
    check_shares((const unsigned[]){1, 100}, 2);
    check_shares((const unsigned[]){100, 99}, 2);
    check_shares((const unsigned[]){1, 1, 1, 1, 100}, 5);
}

// Those who come later

static int since;

static void employ_another(struct worker *worker)
{
    (void)worker;
    if (turn < 300 || since > 0)
        return;
    since = turn;
    employ(1, workers[2].share, NULL);
}

TEST(new_one_is_neither_ahead_nor_behind)
{
    static const unsigned shares[][2] = {
        {10, 10}, {1, 100}, {100, 1}, {50, 60}};

    for (int i = 0; i < 4; i++) {
        begin(TICKS);
        since            = 0;
        workers[2].share = shares[i][1];
        employ(0, shares[i][0], employ_another);
        join_workers(2);
        check_fair(0, 1, since, TICKS);
    }
}

// Once, and from then on it is always ready.
static void sleep_long(struct worker *worker)
{
    (void)worker;
    if (turn < 50 || since > 0)
        return;
    since = turn + 400;
    thread_sleep_until(timer_ticks() + 400);
}

TEST(who_has_slept_is_neither_ahead_nor_behind)
{
    static const unsigned shares[][3] = {
        {10, 10, 10}, {1, 100, 50}, {100, 1, 3}, {7, 9, 100}};

    for (int i = 0; i < 4; i++) {
        begin(TICKS);
        since = 0;
        employ(0, shares[i][0], NULL);
        employ(1, shares[i][1], sleep_long);
        employ(2, shares[i][2], NULL);
        join_workers(3);
        CHECK(since > 0);
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < a; b++)
                check_fair(a, b, since, TICKS);
        check_fair(0, 2, 0, TICKS);
        check_at_most(1, 0, 0, TICKS, PRIORITY_LOW);
        check_at_most(1, 2, 0, TICKS, PRIORITY_LOW);
    }
}

// A thread of high priority wakes it in the same moment.
static struct semaphore nudge, back;
static volatile bool ending;

static void wake_again(void *unused)
{
    (void)unused;
    for (;;) {
        semaphore_wait(&nudge);
        if (ending)
            break;
        semaphore_signal(&back);
    }
}

static struct thread *start_waking(void)
{
    ending = false;
    return make("wakes", PRIORITY_HIGH, wake_again, NULL);
}

static void stop_waking(struct thread *thread)
{
    ending = true;
    semaphore_signal(&nudge);
    thread_join(thread);
}

static void wait_a_moment(struct worker *worker)
{
    uint64_t flags = interrupts_disable();

    (void)worker;
    semaphore_signal(&nudge);
    semaphore_wait(&back);
    interrupts_restore(flags);
}

static void wait_somehow(struct worker *worker)
{
    if (turn >= turns_end)
        return;
    switch (random_of(&worker->seed) % 4) {
    case 0:
        thread_sleep_until(timer_ticks() +
                           random_of(&worker->seed) % 6);
        break;
    case 1:
        wait_a_moment(worker);
        break;
    case 2:
        thread_yield();
        break;
    }
}

// Worker 0 does not wait, and neither does the last one.
static void check_nobody_gains(const unsigned *shares, int count,
                               void (*wait)(struct worker *worker))
{
    struct thread *wakes;

    begin(TICKS);
    wakes = start_waking();
    for (int i = 0; i < count; i++)
        employ(i, shares[i], i > 0 && i < count - 1 ? wait : NULL);
    thread_join(workers[0].thread);
    thread_join(workers[count - 1].thread);
    for (int i = 0; i < 6; i++)
        tick();  // for those who sleep
    for (int i = 1; i < count - 1; i++)
        thread_join(workers[i].thread);
    stop_waking(wakes);
    quiet();
    check_fair(0, count - 1, 0, TICKS);
    for (int i = 1; i < count - 1; i++) {
        check_at_most(i, 0, 0, TICKS, PRIORITY_LOW);
        check_at_most(i, count - 1, 0, TICKS, PRIORITY_LOW);
    }
}

TEST(nobody_gains_by_waiting_for_a_moment)
{
    check_nobody_gains((const unsigned[]){10, 10, 10}, 3,
                       wait_a_moment);
    check_nobody_gains((const unsigned[]){100, 1, 50}, 3,
                       wait_a_moment);
    check_nobody_gains((const unsigned[]){1, 100, 1}, 3, wait_a_moment);
}

TEST(nobody_gains_by_waiting_now_and_then)
{
    check_nobody_gains((const unsigned[]){10, 10, 10, 10}, 4,
                       wait_somehow);
    check_nobody_gains((const unsigned[]){1, 100, 10, 5}, 4,
                       wait_somehow);
    check_nobody_gains((const unsigned[]){100, 1, 3, 99}, 4,
                       wait_somehow);
}

// Other shares

static unsigned new_share;
static bool by_itself, changed;

static void change_share(struct worker *worker)
{
    if (changed || turn < since || (worker == &workers[1]) != by_itself)
        return;
    thread_set_share(workers[1].thread, new_share);
    changed = true;
    since   = turn;
}

static void check_change(unsigned from, unsigned to, int at)
{
    begin(TICKS);
    since     = at;
    new_share = to;
    changed   = false;
    employ(0, 100, change_share);
    employ(1, from, change_share);
    employ(2, 20, NULL);
    join_workers(3);
    CHECK(changed);
    check_fair(0, 1, 0, since);
    workers[1].share = to;
    check_fair(0, 1, since, TICKS);
    check_fair(1, 2, since, TICKS);
    check_fair(0, 2, 0, TICKS);
}

TEST(share_counts_from_when_it_is_changed)
{
    for (int i = 0; i < 2; i++) {
        by_itself = i;
        for (int at = 130; at < 260; at += 13) {
            check_change(1, 100, at);
            check_change(100, 1, at);
            check_change(10, 30, at);
        }
    }
}

// While it sleeps, which is as long as it has a tick of its old share
// too much.
static void sleep_short(struct worker *worker)
{
    (void)worker;
    if (turn < since || changed)
        return;
    changed = true;
    since   = turn + 20;
    thread_sleep_until(timer_ticks() + 20);
}

static void change_sleeping(struct worker *worker)
{
    (void)worker;
    if (changed && turn == since - 10)
        thread_set_share(workers[1].thread, new_share);
}

TEST(share_counts_from_when_it_is_changed_while_waiting)
{
    static const unsigned shares[][2] = {{1, 100}, {100, 1}, {5, 50}};

    for (int i = 0; i < 3; i++)
        for (int at = 101; at < 200; at += 9) {
            begin(TICKS / 2);
            since     = at;
            new_share = shares[i][1];
            changed   = false;
            employ(0, 90, change_sleeping);
            employ(1, shares[i][0], sleep_short);
            join_workers(2);
            CHECK(changed);
            workers[1].share = shares[i][1];
            check_fair(0, 1, since, TICKS / 2);
        }
}

// Priorities come first

static void run_now_and_then(void *argument)
{
    struct worker *worker = argument;

    while (turn < turns_end) {
        thread_sleep_until(timer_ticks() + 3);
        for (int i = 0; i < 2 && turn < turns_end; i++) {
            turns[turn].worker   = worker;
            turns[turn].priority = worker->thread->priority;
            turn++;
            tick();
        }
    }
}

TEST(higher_priority_comes_before_any_share)
{
    struct thread *high;

    begin(TICKS);
    employ(0, 100, NULL);
    employ(1, 30, NULL);
    high = make("high", PRIORITY_HIGH, run_now_and_then, &workers[2]);
    workers[2].thread = high;
    thread_set_share(high, 1);
    join_workers(2);
    sti();
    for (int i = 0; i < 5; i++)
        tick();
    thread_join(high);
    quiet();
    for (int i = 0; i < TICKS; i++)
        CHECK_EQ(turns[i].worker == &workers[2], i % 5 >= 3);
    check_fair(0, 1, 0, TICKS);
}

// Worker 1 has what a thread of high priority wants, while worker 0
// runs: so it comes before its turn, now and then for several ticks.

static struct mutex wanted;

static void want(void *unused)
{
    (void)unused;
    for (;;) {
        semaphore_wait(&nudge);
        if (ending)
            break;
        mutex_lock(&wanted);
        mutex_unlock(&wanted);
    }
}

static void lend(struct worker *worker)
{
    (void)worker;
    if (wanted.owner == workers[1].thread &&
        wanted.owner->priority == PRIORITY_LOW)
        semaphore_signal(&nudge);
}

static void run_lent_ticks(struct worker *worker)
{
    int count = random_of(&worker->seed) % 8 == 0 ? 9 : 0;

    for (; count > 0 && turn < turns_end; count--) {
        turns[turn].worker   = worker;
        turns[turn].priority = worker->thread->priority;
        turn++;
        tick();
    }
}

static void hold_and_borrow(struct worker *worker)
{
    if (wanted.owner != worker->thread)
        mutex_lock(&wanted);
    while (worker->thread->priority == PRIORITY_HIGH) {
        run_lent_ticks(worker);
        mutex_unlock(&wanted);
        CHECK_EQ(worker->thread->priority, PRIORITY_LOW);
        mutex_lock(&wanted);
    }
    if (turn >= turns_end)
        mutex_unlock(&wanted);
}

static void check_lent(unsigned lent_share, unsigned share)
{
    struct thread *high;

    begin(TICKS);
    ending = false;
    high   = make("wants", PRIORITY_HIGH, want, NULL);
    employ(0, share, lend);
    employ(1, lent_share, hold_and_borrow);
    employ(2, 50, NULL);
    for (int i = 0; i < 3; i++)
        thread_join(workers[i].thread);
    stop_waking(high);
    quiet();
    check_fair(0, 2, 0, TICKS);
    check_at_most(1, 0, 0, TICKS, PRIORITY_LOW);
    check_at_most(1, 2, 0, TICKS, PRIORITY_LOW);
}

TEST(nobody_gains_by_what_is_lent)
{
    check_lent(10, 10);
    check_lent(1, 100);
    check_lent(100, 3);
}

// Worker 0 has run alone for long, and is then lent a normal priority,
// beside worker 1 that has it for its own. Afterwards it is beside
// worker 2 again.

static void lock_wanted(void *unused)
{
    (void)unused;
    mutex_lock(&wanted);
    mutex_unlock(&wanted);
}

static struct thread *wants;

// In ticks from when it is lent.
enum { LENT_FROM = 400, LENT = 400, NORMAL = 500 };

static void work_until_low(void *argument)
{
    struct worker *worker = argument;

    while (turn < since + NORMAL) {
        turns[turn].worker   = worker;
        turns[turn].priority = worker->thread->priority;
        turn++;
        tick();
    }
}

static void hold_wanted(struct worker *worker)
{
    (void)worker;
    if (turn == 0)
        mutex_lock(&wanted);
    if (turn >= LENT_FROM && !wants) {
        since      = turn;
        workers[1] = (struct worker){.share = 20};
        cli();
        wants = make("wants", PRIORITY_NORMAL, lock_wanted, NULL);
        workers[1].thread = make("normal", PRIORITY_NORMAL,
                                 work_until_low, &workers[1]);
        thread_set_share(workers[1].thread, 20);
        sti();
        thread_yield();
    }
    if (wants && turn >= since + LENT && wanted.owner == worker->thread)
        mutex_unlock(&wanted);
}

TEST(each_priority_has_a_time_of_its_own)
{
    begin(TICKS);
    wants = NULL;
    employ(0, 30, hold_wanted);
    employ(2, 70, NULL);
    thread_join(workers[0].thread);
    thread_join(workers[1].thread);
    thread_join(workers[2].thread);
    thread_join(wants);
    quiet();
    check_fair(0, 2, 0, since);
    check_at_most(0, 1, since, since + LENT, PRIORITY_NORMAL);
    check_at_most(1, 0, since, since + LENT, PRIORITY_NORMAL);
    check_fair(0, 2, since + NORMAL, TICKS);
}

// Yields. After some ticks, all do nothing else.

enum { YIELDERS = 3, YIELDS = 20 };

static void yield_and_note(struct worker *worker)
{
    if (turn < turns_end)
        return;
    for (int i = 0; i < YIELDS; i++) {
        note('a' + (worker - workers));
        thread_yield();
    }
}

TEST(yields_let_all_others_go_first)
{
    static const unsigned shares[YIELDERS] = {1, 10, 100};

    for (int ticks = 0; ticks < 250; ticks += 7) {
        begin(ticks);
        for (int i = 0; i < YIELDERS; i++)
            employ(i, shares[i], yield_and_note);
        join_workers(YIELDERS);
        if (!CHECK_EQ(noted, YIELDERS * YIELDS))
            continue;
        for (int i = 0; i < YIELDERS * YIELDS; i++) {
            CHECK(i < 1 || notes[i] != notes[i - 1]);
            CHECK(i < 2 || notes[i] != notes[i - 2]);
        }
    }
}

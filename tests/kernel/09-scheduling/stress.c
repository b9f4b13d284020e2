// stress.c: threads, locks, buffers, sleeps, creations and joins, all
// at once, with ticks that come again and again at other places.
// Whatever comes between what, the sums are right in the end.

#include "turns.h"

#include "buffer.h"
#include "frames.h"
#include "heap.h"
#include "semaphore.h"

enum {
    TICKS    = 200,
    ACCOUNTS = 4,
    MONEY    = 1000,
    PERMITS  = 2,
    WORKERS  = 13,
};

static volatile uint64_t end;

static bool is_over(void)
{
    return timer_ticks() >= end;
}

// For a moment, or now and then until the next tick: others of a lower
// priority shall come to their turn.
static void pause(uint32_t *seed)
{
    if (random_of(seed) % 16 == 0)
        thread_sleep_until(timer_ticks() + 1);
    for (int n = random_of(seed) % 100; n > 0; n--)
        asm volatile("pause");
}

// Money goes from one account to another, both of them locked.

static struct account {
    struct mutex mutex;
    volatile uint64_t money;
} accounts[ACCOUNTS];

static void transfer(uint32_t *seed)
{
    int from = random_of(seed) % ACCOUNTS;
    int to   = (from + 1 + random_of(seed) % (ACCOUNTS - 1)) % ACCOUNTS;
    int first       = from < to ? from : to;
    uint64_t amount = random_of(seed) % 10;

    mutex_lock(&accounts[first].mutex);
    mutex_lock(&accounts[from + to - first].mutex);
    if (accounts[from].money >= amount) {
        uint64_t left = accounts[from].money - amount;
        uint64_t sum  = accounts[to].money + amount;

        pause(seed);
        accounts[from].money = left;
        accounts[to].money   = sum;
    }
    mutex_unlock(&accounts[random_of(seed) % 2 ? from : to].mutex);
    pause(seed);
    for (int i = 0; i < ACCOUNTS; i++)
        if (accounts[i].mutex.owner == thread_current())
            mutex_unlock(&accounts[i].mutex);
}

static void bank(void *argument)
{
    uint32_t seed = (uint64_t)argument;

    do
        transfer(&seed);
    while (!is_over());
}

// Numbers go through a buffer.

static struct buffer buffer;
static volatile uint64_t put_sum, got_sum;

static void produce(void *argument)
{
    uint32_t seed = (uint64_t)argument;

    do {
        uint64_t item = 1 + random_of(&seed) % 1000;

        put_sum += item;
        buffer_put(&buffer, (void *)item);
        pause(&seed);
    } while (!is_over());
    buffer_put(&buffer, NULL);
}

static void consume(void *argument)
{
    uint32_t seed = (uint64_t)argument;
    void *item;

    while ((item = buffer_get(&buffer))) {
        got_sum += (uint64_t)item;
        pause(&seed);
    }
}

// There are so many permits, and no more.

static struct semaphore permits;
static volatile int inside, most;

static void use_permit(void *argument)
{
    uint32_t seed = (uint64_t)argument;

    do {
        uint64_t flags;

        semaphore_wait(&permits);
        flags = interrupts_disable();
        inside++;
        most = inside > most ? inside : most;
        interrupts_restore(flags);
        pause(&seed);
        flags = interrupts_disable();
        inside--;
        interrupts_restore(flags);
        semaphore_signal(&permits);
    } while (!is_over());
}

// Nobody sleeps for too short.

static void nap(void *argument)
{
    uint32_t seed = (uint64_t)argument;

    do {
        uint64_t until = timer_ticks() + random_of(&seed) % 4;

        thread_sleep_until(until);
        CHECK(timer_ticks() >= until);
        pause(&seed);
    } while (!is_over());
}

// Children are made, each with a block of the heap, and joined.

static volatile uint64_t made, born;

static void be_born(void *argument)
{
    uint64_t *number = kmalloc(sizeof(*number));
    uint64_t flags;

    if (!CHECK(number != NULL))
        return;
    *number = (uint64_t)argument;
    thread_yield();
    CHECK_EQ(*number, argument);
    kfree(number);
    flags = interrupts_disable();
    born++;
    interrupts_restore(flags);
}

static void make_children(void *argument)
{
    uint32_t seed = (uint64_t)argument;
    struct thread *children[3];

    do {
        int count = 1 + random_of(&seed) % 3;

        for (int i = 0; i < count; i++)
            children[i] =
                make("child", random_of(&seed) % PRIORITIES, be_born,
                     (void *)(uint64_t)random_of(&seed));
        for (int i = count - 1; i >= 0; i--)
            thread_join(children[i]);
        made += count;
    } while (!is_over());
}

// What is left of the CPU is used, but for some ticks at the end.
static void use_the_rest(void *argument)
{
    (void)argument;
    while (timer_ticks() + 20 < end)
        ;
}

// All together

static void set_up(uint32_t seed)
{
    for (int i = 0; i < ACCOUNTS; i++)
        accounts[i].money = MONEY;
    put_sum = got_sum = 0;
    made = born = 0;
    inside = most = 0;
    permits       = (struct semaphore){.count = PERMITS};
    CHECK(buffer_init(&buffer, 1 + seed % 3));
}

static void check_sums(void)
{
    uint64_t money = 0;

    for (int i = 0; i < ACCOUNTS; i++) {
        money += accounts[i].money;
        CHECK_EQ(accounts[i].mutex.owner, NULL);
        CHECK_EQ(thread_queue_priority(&accounts[i].mutex.waiting), -1);
    }
    CHECK_EQ(money, ACCOUNTS * MONEY);
    CHECK_EQ(put_sum, got_sum);
    CHECK_EQ(buffer.put, buffer.taken);
    CHECK_EQ(permits.count, PERMITS);
    CHECK_EQ(inside, 0);
    CHECK(most <= PERMITS);
    CHECK(made > 0);
    CHECK_EQ(made, born);
    buffer_destroy(&buffer);
}

static void (*const work[WORKERS])(void *) = {
    bank,          bank,       bank,         produce, consume,
    use_permit,    use_permit, use_permit,   nap,     nap,
    make_children, bank,       use_the_rest,
};

// Ticks of a child that has been joined are gone, so there may be less
// of them than there were.
static void run(uint32_t seed, uint16_t count)
{
    struct thread *threads[WORKERS];
    struct thread_info info;
    uint64_t ticks, sum;

    start_storm(count);
    cli();
    set_up(seed);
    ticks = timer_ticks();
    end   = ticks + TICKS;
    sum   = threads_idle_ticks() + ticks_of(0);
    for (int i = 0; i < WORKERS; i++)
        threads[i] = make("works",
                          work[i] == use_the_rest
                              ? PRIORITY_LOW
                              : random_of(&seed) % PRIORITIES,
                          work[i], (void *)(uint64_t)seed);
    sti();
    for (int i = 0; i < WORKERS; i++) {
        while (threads[i]->state != THREAD_EXITED)
            thread_sleep_until(timer_ticks() + 1);
        CHECK_EQ(threads[i]->priority, threads[i]->own);
        CHECK_EQ(threads[i]->held, NULL);
        CHECK_EQ(threads[i]->waits_for, NULL);
    }
    cli();
    sum = threads_idle_ticks() + ticks_of(0) - sum;
    for (int i = 0; i < WORKERS; i++)
        sum += threads[i]->ticks;
    CHECK(sum <= timer_ticks() - ticks);
    sti();
    for (int i = 0; i < WORKERS; i++)
        thread_join(threads[i]);
    quiet();
    CHECK(!thread_describe(1, &info));
    check_sums();
}

static uint64_t free_frames(void)
{
    heap_trim();
    return frames_free();
}

TEST(sums_are_right_whenever_the_ticks_come)
{
    static const uint16_t counts[] = {149, 179, 211, 241,
                                      283, 307, 331, 367};
    uint64_t frames;

    run(1, 127);
    frames = free_frames();
    for (uint32_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        run(1000 + i, counts[i]);
        CHECK_EQ(free_frames(), frames);
    }
}

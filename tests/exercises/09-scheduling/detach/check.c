// check.c: threads that nobody joins leave nothing behind, and nobody
// takes from them what they still need.

#include "09-scheduling/between.h"
#include "09-scheduling/puppets.h"

#include "05-paging/taken.h"
#include "heap.h"

enum { COUNT = 120, MANY = 300, FEW = 10, CHAINS = 3, BLOCKS = 40 };

static struct semaphore go, done;

static void nothing(void *argument)
{
    (void)argument;
}

static void detach_self(void *argument)
{
    (void)argument;
    thread_detach(thread_current());
}

static void wait_and_end(void *argument)
{
    semaphore_wait(&go);
    note_argument(argument);
}

// What detaches itself may be gone already when it has been created.
static void make_self_detaching(enum priority priority,
                                void (*function)(void *),
                                void *argument)
{
    CHECK(thread_create("detaches itself", priority, function,
                        argument) != NULL);
}

// By now all must have been given back. The page tables of the stacks
// stay, so each test does everything twice.
static uint64_t free_frames_after_create(void)
{
    settle();
    thread_join(make("next", PRIORITY_HIGH, nothing, NULL));
    settle();
    heap_check();
    heap_trim();
    return frames_free();
}

static void check_nothing_is_lost(void (*act)(void))
{
    uint64_t frames;

    start();
    act();
    frames = free_frames_after_create();
    for (int i = 0; i < 3; i++) {
        act();
        CHECK_EQ(free_frames_after_create(), frames);
    }
    quiet();
}

static bool is_described(unsigned id)
{
    struct thread_info info;

    return thread_describe(id, &info) && info.id == id;
}

// One after the other: there is never more than a few have.

static void detach_many(enum priority priority,
                        void (*function)(void *))
{
    uint64_t frames = free_frames_after_create();

    for (int i = 0; i < MANY; i++) {
        if (function == detach_self)
            make_self_detaching(priority, function, NULL);
        else
            thread_detach(make("detached", priority, function, NULL));
        if (priority != PRIORITY_HIGH)
            settle();
        CHECK(frames_free() + 40 > frames);
    }
}

static void detach_ended(void)
{
    detach_many(PRIORITY_HIGH, nothing);
}

static void detach_ready(void)
{
    detach_many(PRIORITY_NORMAL, nothing);
    detach_many(PRIORITY_LOW, nothing);
}

static void detach_selves(void)
{
    for (int i = 0; i < PRIORITIES; i++)
        detach_many(i, detach_self);
}

TEST(ended_ones_leave_nothing)
{
    check_nothing_is_lost(detach_ended);
}

TEST(ready_ones_leave_nothing)
{
    check_nothing_is_lost(detach_ready);
}

TEST(threads_detach_themselves)
{
    check_nothing_is_lost(detach_selves);
}

// Several end before the next is created.

static void detach_several(void)
{
    static struct thread *threads[FEW];

    for (int i = 0; i < FEW; i++)
        threads[i] = make("several", PRIORITY_LOW, nothing, NULL);
    for (int i = 0; i < FEW; i += 2)
        thread_detach(threads[i]);
    settle();
    for (int i = 1; i < FEW; i += 2)
        thread_detach(threads[i]);
}

TEST(all_that_have_ended_leave_nothing)
{
    check_nothing_is_lost(detach_several);
}

// Waiting ones live on, whoever comes and goes meanwhile.

static void detach_waiting(void)
{
    noted = 0;
    thread_detach(make("waits", PRIORITY_HIGH, wait_and_end, "w"));
    for (int i = 0; i < FEW; i++)
        thread_detach(make("ends", i % PRIORITIES, nothing, NULL));
    settle();
    thread_join(make("next", PRIORITY_HIGH, nothing, NULL));
    CHECK_EQ(noted, 0);
    semaphore_signal(&go);
    settle();
    CHECK_NOTES("w");
}

TEST(waiting_ones_live_on)
{
    check_nothing_is_lost(detach_waiting);
}

// Who is not detached can be joined, however late.

static void keep_some(void)
{
    struct thread *kept[FEW];

    for (int i = 0; i < FEW; i++) {
        kept[i] = make("kept", PRIORITY_HIGH, nothing, NULL);
        thread_detach(make("not kept", PRIORITY_HIGH, nothing, NULL));
    }
    thread_join(make("next", PRIORITY_HIGH, nothing, NULL));
    for (int i = 0; i < FEW; i++) {
        CHECK_EQ(kept[i]->state, THREAD_EXITED);
        CHECK(is_described(kept[i]->id));
        thread_join(kept[i]);
    }
}

TEST(others_are_joined_as_before)
{
    check_nothing_is_lost(keep_some);
}

// Of five that wait some end, detached before or after: the first, one
// in the middle, the last.
static void check_list(unsigned which, bool before)
{
    struct thread *threads[5], *later;
    unsigned first;

    for (int i = 0; i < 5; i++)
        threads[i] = make("waits", PRIORITY_NORMAL, wait_and_end, ".");
    first = threads[0]->id;
    for (int i = 0; i < 5; i++) {
        if (before && which >> i & 1)
            thread_detach(threads[i]);
        CHECK(is_described(first + i));
    }
    settle();
    for (int i = 0; i < 5; i++)
        semaphore_signal(&go);
    settle();
    for (int i = 0; i < 5; i++)
        if (!before && which >> i & 1)
            thread_detach(threads[i]);
    later = make("later", PRIORITY_HIGH, nothing, NULL);
    settle();
    CHECK(is_described(0));
    CHECK(is_described(later->id));
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(is_described(first + i), !(which >> i & 1));
        if (!(which >> i & 1))
            thread_join(threads[i]);
    }
    thread_join(later);
    CHECK(!is_described(later->id));
}

TEST(list_of_threads_is_right)
{
    start();
    for (unsigned which = 0; which < 1 << 5; which++) {
        check_list(which, false);
        check_list(which, true);
    }
    quiet();
}

// There is memory for one thread, so each needs that of the last one.
TEST(memory_of_the_last_one_is_enough_for_the_next)
{
    struct thread *thread = NULL;

    start();
    thread_detach(make("tables", PRIORITY_HIGH, nothing, NULL));
    thread_join(make("tables", PRIORITY_HIGH, nothing, NULL));
    settle();
    heap_trim();
    take_all_but(0);
    for (int left = 0; left < 16 && !thread; left++) {
        phys_addr frame = taken;

        taken = *taken_next(frame);
        frame_free(frame);
        thread = thread_create("first", PRIORITY_HIGH, nothing, NULL);
    }
    for (int i = 0; i < FEW && CHECK(thread != NULL); i++) {
        thread_detach(thread);
        thread = thread_create("next", PRIORITY_HIGH, nothing, NULL);
    }
    if (thread)
        thread_join(thread);
    give_back();
    quiet();
}

// The last thread that was ready has ended, and the CPU halts on its
// stack. There the handler creates threads, and fills what is free.

static void *blocks[BLOCKS];

static void take_blocks(void)
{
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = kmalloc(sizeof(struct thread));
        if (CHECK(blocks[i] != NULL))
            memset(blocks[i], 0x77, sizeof(struct thread));
    }
}

static void give_blocks_back(void)
{
    for (int i = 0; i < BLOCKS; i++) {
        const uint8_t *bytes = blocks[i];

        for (size_t n = 0; bytes && n < sizeof(struct thread); n++)
            if (!CHECK_EQ(bytes[n], 0x77))
                return;
        kfree(blocks[i]);
    }
}

static void create_in_handler(void)
{
    for (int i = 0; i < 3; i++)
        thread_detach(
            make("created", PRIORITY_LOW, note_argument, "c"));
    take_blocks();
    semaphore_signal(&go);
}

static void raise_and_end(void *argument)
{
    note_argument(argument);
    cli();
    raise_line(free_line);
}

static void halt_on_ended_stack(void)
{
    noted         = 0;
    turns_handler = create_in_handler;
    interrupt_set_handler(free_line, turns_handle);
    thread_detach(make("ends", PRIORITY_LOW, raise_and_end, "e"));
    semaphore_wait(&go);
    settle();
    CHECK_NOTES("eccc");
    give_blocks_back();
}

TEST(stack_stays_while_the_cpu_halts_on_it)
{
    check_nothing_is_lost(halt_on_ended_stack);
}

static void detach_other_in_handler(void)
{
    struct thread *other =
        make("other", PRIORITY_LOW, note_argument, "o");

    thread_detach(other);
    for (int i = 0; i < 3; i++)
        thread_detach(
            make("created", PRIORITY_LOW, note_argument, "c"));
    take_blocks();
    semaphore_signal(&go);
}

static struct thread *ended;

// Another one that has ended is detached meanwhile.
static void detach_in_handler(void)
{
    thread_detach(ended);
    detach_other_in_handler();
}

static void halt_and_detach(void)
{
    noted         = 0;
    turns_handler = detach_in_handler;
    interrupt_set_handler(free_line, turns_handle);
    ended = make("ended", PRIORITY_HIGH, nothing, NULL);
    thread_detach(make("ends", PRIORITY_LOW, raise_and_end, "e"));
    semaphore_wait(&go);
    settle();
    CHECK_NOTES("eoccc");
    give_blocks_back();
}

TEST(handler_detaches_another_one)
{
    check_nothing_is_lost(halt_and_detach);
}

// It ends between any two instructions of thread_detach.

static struct thread *victim;

static void detach_victim(void)
{
    thread_detach(victim);
}

static void end_victim(void)
{
    semaphore_signal(&go);
}

static void end_at_any_time(void)
{
    int n = 1 - BETWEEN_STRIDE;

    do {
        victim = make("victim", PRIORITY_HIGH, wait_and_end, "v");
        n += BETWEEN_STRIDE;
    } while (acts_after(n, detach_victim, end_victim));
    start();
    CHECK(n > 5);
}

TEST(thread_may_end_while_it_is_detached)
{
    check_nothing_is_lost(end_at_any_time);
}

// Each creates the next one, in a storm.

static volatile int left;

static void go_on(void *argument);

static void create_next(uint32_t *seed)
{
    uint64_t number        = random_of(seed);
    enum priority priority = random_of(seed) % PRIORITIES;
    struct thread *next;

    if (number & 1) {
        make_self_detaching(priority, go_on, (void *)number);
        return;
    }
    next = make("chain", priority, go_on, (void *)number);
    if (random_of(seed) % 8 == 0)
        thread_sleep_until(timer_ticks() + 1);
    thread_detach(next);
}

static void go_on(void *argument)
{
    uint32_t seed = (uint64_t)argument;
    uint64_t flags;
    bool last;

    if (seed & 1)
        thread_detach(thread_current());
    flags = interrupts_disable();
    last  = left == 0;
    left -= !last;
    interrupts_restore(flags);
    if (!last)
        create_next(&seed);
    semaphore_signal(&done);
}

static void run_chains(void)
{
    start_storm(COUNT);
    left = MANY;
    for (int i = 0; i < CHAINS; i++)
        thread_detach(
            make("chain", i, go_on, (void *)(uint64_t)(2 * i)));
    for (int i = 0; i < MANY + CHAINS; i++)
        semaphore_wait(&done);
    settle();
    start();
}

TEST(chains_in_a_storm_leave_nothing)
{
    check_nothing_is_lost(run_chains);
}

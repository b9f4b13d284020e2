// input.c: several threads that wait for what is typed.

#include "puppets.h"

#include "between.h"
#include "input.h"

enum { COUNT = 120, KEYS = 600, READERS = 2 };

static int keys[READERS];

static void read(void *argument)
{
    int *key = argument;

    *key = input_get();
}

static struct puppet readers[READERS];

static void start_readers(void)
{
    start();
    for (int i = 0; i < READERS; i++)
        puppet_start(&readers[i], "reads", PRIORITY_NORMAL);
}

static void end_readers(void)
{
    for (int i = 0; i < READERS; i++)
        puppet_end(&readers[i]);
    input_put('?');
    CHECK_EQ(input_get(), '?');
    CHECK_EQ(input_lost(), 0);
    quiet();
}

TEST(each_key_is_for_one_reader_in_turn)
{
    start_readers();
    for (int i = 0; i < 5; i++) {
        CHECK(!puppet_do(&readers[0], read, &keys[0]));
        CHECK(!puppet_do(&readers[1], read, &keys[1]));
        input_put('a' + i);
        settle();
        CHECK(!readers[0].busy);
        CHECK(readers[1].busy);
        CHECK_EQ(keys[0], 'a' + i);
        input_put('A' + i);
        settle();
        CHECK(!readers[1].busy);
        CHECK_EQ(keys[1], 'A' + i);
    }
    end_readers();
}

static void type_two(void)
{
    input_put('x');
    input_put('y');
}

TEST(two_keys_of_one_interrupt_wake_two_readers)
{
    start_readers();
    CHECK(!puppet_do(&readers[0], read, &keys[0]));
    CHECK(!puppet_do(&readers[1], read, &keys[1]));
    interrupt_by(type_two);
    settle();
    CHECK(!readers[0].busy);
    CHECK(!readers[1].busy);
    CHECK_EQ(keys[0], 'x');
    CHECK_EQ(keys[1], 'y');
    end_readers();
}

static void type_none(void)
{
    input_put(KEY_NONE);
}

TEST(no_key_is_none_for_a_reader)
{
    start_readers();
    CHECK(!puppet_do(&readers[0], read, &keys[0]));
    interrupt_by(type_none);
    settle();
    CHECK(readers[0].busy);
    interrupt_by(type_two);
    settle();
    CHECK(!readers[0].busy);
    CHECK_EQ(keys[0], 'x');
    CHECK_EQ(input_get(), 'y');
    end_readers();
}

// Who comes between the key and the reader that was woken for it takes
// it; the reader waits on.
TEST(key_may_be_taken_by_another)
{
    start_readers();
    CHECK(!puppet_do(&readers[0], read, &keys[0]));
    cli();
    input_put('k');
    CHECK_EQ(input_get(), 'k');
    sti();
    settle();
    CHECK(readers[0].busy);
    input_put('l');
    settle();
    CHECK(!readers[0].busy);
    CHECK_EQ(keys[0], 'l');
    end_readers();
}

static void type_k(void)
{
    input_put('k');
}

static void read_and_note(void *argument)
{
    (void)argument;
    note(input_get());
}

TEST(reader_of_a_higher_priority_runs_at_once)
{
    struct thread *high;

    start();
    high = make("high", PRIORITY_HIGH, read_and_note, NULL);
    note('1');
    interrupt_by(type_k);
    note('2');
    thread_join(high);
    high = make("high", PRIORITY_HIGH, read_and_note, NULL);
    type_k();
    note('3');
    thread_join(high);
    CHECK_NOTES("1k2k3");
    quiet();
}

// In a storm of keys: none is lost, none comes twice.

static volatile int typed;
static uint8_t seen[KEYS];

// As many as there is room for.
static volatile int taken;

static void type_next(struct trap_frame *frame)
{
    (void)frame;
    if (typed < KEYS && typed - taken < 100)
        input_put(1 + typed++);
}

static void read_many(void *argument)
{
    int last = 0;

    (void)argument;
    for (int i = 0; i < KEYS / READERS; i++) {
        int key        = input_get();
        uint64_t flags = interrupts_disable();

        CHECK(key > last);
        last = key;
        if (CHECK(key >= 1 && key <= KEYS))
            seen[key - 1]++;
        taken++;
        interrupts_restore(flags);
    }
}

TEST(no_key_is_lost_in_a_storm)
{
    struct thread *threads[READERS], *spins;

    start();
    spins = start_spinning();
    typed = taken = 0;
    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < READERS; i++)
        threads[i] =
            make("reads", PRIORITY_NORMAL + i, read_many, NULL);
    cli();
    interrupt_set_handler(IRQ_TIMER, type_next);
    start_pit(PERIODIC, COUNT);
    sti();
    for (int i = 0; i < READERS; i++)
        thread_join(threads[i]);
    stop_spinning(spins);
    quiet();
    for (int i = 0; i < KEYS; i++)
        CHECK_EQ(seen[i], 1);
    CHECK_EQ(input_lost(), 0);
}

// Between any two instructions another reader comes, and a key for it.

static int key_here, key_there;

static void get_here(void)
{
    key_here = input_get();
}

static void put_and_get(void)
{
    input_put('2');
    key_there = input_get();
}

TEST(another_reader_comes_while_a_key_is_taken)
{
    int n = 1 - BETWEEN_STRIDE;

    do {
        input_put('1');
        key_here = key_there = 0;
        n += BETWEEN_STRIDE;
    } while (acts_after(n, get_here, put_and_get) &&
             CHECK_EQ(key_here + key_there, '1' + '2') &&
             CHECK_EQ(input_lost(), 0));
    CHECK_EQ(key_here + key_there, '1' + '2');
    CHECK(n > 5);
}

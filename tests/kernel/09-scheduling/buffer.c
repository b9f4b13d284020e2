// buffer.c: what is put in comes out, once, and in order.

#include "puppets.h"

#include "05-paging/taken.h"
#include "buffer.h"
#include "heap.h"

enum { COUNT = 120, ITEMS = 500, MAKERS = 3, USERS = 3 };

static struct buffer buffer;
static volatile bool storm;

static void init(size_t size)
{
    CHECK(buffer_init(&buffer, size));
}

static void *number(uint64_t n)
{
    return (void *)n;
}

TEST(items_come_out_in_order)
{
    start();
    for (uint64_t size = 1; size <= 20; size++) {
        init(size);
        for (int round = 0; round < 5; round++) {
            for (uint64_t i = 0; i < size; i++)
                buffer_put(&buffer, number(100 * round + i));
            for (uint64_t i = 0; i < size; i++)
                CHECK_EQ(buffer_get(&buffer), number(100 * round + i));
            buffer_put(&buffer, number(77));
            CHECK_EQ(buffer_get(&buffer), number(77));
        }
        buffer_destroy(&buffer);
    }
    quiet();
}

static void put(void *item)
{
    buffer_put(&buffer, item);
}

static void *got;

static void get(void *unused)
{
    (void)unused;
    got = buffer_get(&buffer);
}

TEST(full_one_takes_no_more)
{
    struct puppet puppet;

    start();
    puppet_start(&puppet, "puts", PRIORITY_NORMAL);
    for (uint64_t size = 1; size <= 7; size++) {
        init(size);
        for (uint64_t i = 1; i <= size; i++)
            CHECK(puppet_do(&puppet, put, number(i)));
        CHECK(!puppet_do(&puppet, put, number(size + 1)));
        CHECK_EQ(buffer.mutex.owner, NULL);
        for (uint64_t i = 1; i <= size + 1; i++) {
            CHECK_EQ(buffer_get(&buffer), number(i));
            settle();
            CHECK(!puppet.busy);
        }
        buffer_destroy(&buffer);
    }
    puppet_end(&puppet);
    quiet();
}

TEST(empty_one_has_nothing_to_get)
{
    struct puppet puppet;

    start();
    puppet_start(&puppet, "gets", PRIORITY_NORMAL);
    init(3);
    for (uint64_t i = 1; i <= 10; i++) {
        CHECK(!puppet_do(&puppet, get, NULL));
        CHECK_EQ(buffer.mutex.owner, NULL);
        buffer_put(&buffer, number(i));
        settle();
        CHECK(!puppet.busy);
        CHECK_EQ(got, number(i));
    }
    buffer_destroy(&buffer);
    puppet_end(&puppet);
    quiet();
}

TEST(null_is_an_item_too)
{
    start();
    init(2);
    buffer_put(&buffer, NULL);
    CHECK_EQ(buffer_get(&buffer), NULL);
    CHECK_EQ(buffer.put, buffer.taken);
    buffer_destroy(&buffer);
    quiet();
}

// Memory

TEST(buffer_gives_its_memory_back)
{
    size_t frames;

    start();
    cli();
    init(100000);
    buffer_destroy(&buffer);
    heap_trim();
    frames = frames_free();
    init(100000);
    CHECK(frames_free() < frames);
    buffer_destroy(&buffer);
    CHECK_EQ(buffer.items, NULL);
    heap_trim();
    CHECK_EQ(frames_free(), frames);
    quiet();
}

TEST(without_memory_there_is_no_buffer)
{
    start();
    cli();
    heap_trim();
    take_all_but(3);
    CHECK(!buffer_init(&buffer, 100000));
    CHECK(!buffer_init(&buffer, SIZE_MAX / sizeof(void *) + 2));
    give_back();
    quiet();
}

// Many makers and users, in a storm. An item says who has made it, and
// how many it has made before.

enum { MAKER_SHIFT = 32 };

static struct thread *makers[MAKERS], *users[USERS];
static uint8_t used[MAKERS][ITEMS];
static volatile uint64_t used_in_all;

static void rest(uint32_t *seed)
{
    unsigned choice = random_of(seed) % 64;

    if (choice == 0)
        thread_yield();
    else if (choice == 1 && storm)
        thread_sleep_until(timer_ticks() + 1);
    for (; choice > 32; choice--)
        asm volatile("pause");
}

static void make_items(void *argument)
{
    uint64_t maker = (uint64_t)argument;
    uint32_t seed  = maker;

    for (uint64_t i = 0; i < ITEMS; i++) {
        buffer_put(&buffer, number((maker + 1) << MAKER_SHIFT | i));
        rest(&seed);
    }
}

// Of each maker an item comes later than those it has made before.
static void use_items(void *argument)
{
    uint32_t seed        = 100 + (uint64_t)argument;
    int64_t last[MAKERS] = {-1, -1, -1};
    uint64_t item;

    while ((item = (uint64_t)buffer_get(&buffer))) {
        uint64_t maker = (item >> MAKER_SHIFT) - 1;
        int64_t i      = (uint32_t)item;
        uint64_t flags;

        if (!CHECK(maker < MAKERS) || !CHECK(i < ITEMS))
            continue;
        CHECK(i > last[maker]);
        last[maker] = i;
        flags       = interrupts_disable();
        used[maker][i]++;
        used_in_all++;
        interrupts_restore(flags);
        rest(&seed);
    }
}

static void run(size_t size, int user_count, bool with_storm)
{
    memset(used, 0, sizeof(used));
    used_in_all = 0;
    storm       = with_storm;
    if (storm)
        start_storm(COUNT);
    else
        start();
    init(size);
    for (uint64_t i = 0; i < MAKERS; i++)
        makers[i] =
            make("maker", i % PRIORITIES, make_items, number(i));
    for (int i = 0; i < user_count; i++)
        users[i] =
            make("user", (i + 1) % PRIORITIES, use_items, number(i));
    for (int i = 0; i < MAKERS; i++)
        thread_join(makers[i]);
    for (int i = 0; i < user_count; i++)
        buffer_put(&buffer, NULL);
    for (int i = 0; i < user_count; i++)
        thread_join(users[i]);
    CHECK_EQ(used_in_all, MAKERS * ITEMS);
    for (int maker = 0; maker < MAKERS; maker++)
        for (int i = 0; i < ITEMS; i++)
            CHECK_EQ(used[maker][i], 1);
    CHECK_EQ(buffer.put, buffer.taken);
    CHECK_EQ(buffer.mutex.owner, NULL);
    buffer_destroy(&buffer);
    quiet();
}

TEST(nothing_is_lost_and_nothing_comes_twice)
{
    static const size_t sizes[] = {1, 2, 7};

    for (int i = 0; i < 3; i++)
        for (int user_count = 1; user_count <= USERS; user_count++)
            run(sizes[i], user_count, false);
}

TEST(nothing_is_lost_in_a_storm)
{
    static const size_t sizes[] = {1, 2, 7};

    for (int i = 0; i < 3; i++)
        for (int user_count = 1; user_count <= USERS; user_count += 2)
            run(sizes[i], user_count, true);
}

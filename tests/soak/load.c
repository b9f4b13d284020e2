// load.c: all that the kernel can do, over and over. In a round many
// threads work beside each other and count what they do; then nobody
// is left, and the numbers have to be exact. soak.py, at the other end
// of the wire, types and reads what is reported.

#include "ktap.h"

#include "buffer.h"
#include "console.h"
#include "frames.h"
#include "heap.h"
#include "idt.h"
#include "input.h"
#include "interrupts.h"
#include "keyboard.h"
#include "nmi.h"
#include "page_fault.h"
#include "paging.h"
#include "panic.h"
#include "printf.h"
#include "semaphore.h"
#include "serial.h"
#include "string.h"
#include "threads.h"
#include "timer.h"
#include "vga.h"

#define EXPECT(condition) \
    do \
        if (!(condition)) \
            panic("round %lu: not so: %s", done.rounds, #condition); \
    while (0)

// What has been done, ever.
static struct {
    uint64_t rounds, blocks, items, turns, sleeps, threads, faults;
} done;

// What has been typed: how much, and a number that depends on all of
// it, in its order.
struct typed {
    uint64_t count, sum;
};

static struct typed keys, bytes;
static volatile bool stopping, reported;
static uint64_t seed;
static size_t quiet_frames;  // free while nobody works

// G. Marsaglia, "Xorshift RNGs", 2003.
static uint64_t random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// Seeds that are alike become numbers that are not. D. E. Knuth, "The
// Art of Computer Programming", volume 3, "Hashing".
static uint64_t mixed(uint64_t number)
{
    return number * 0x9e3779b97f4a7c15;
}

struct worker {
    struct thread *thread;
    uint64_t state;  // of random
    int number;      // among those that do the same
    uint64_t count;  // of what it has done
};

// Blocks of the heap, filled with a byte each.

enum { SLOTS = 8, ALLOCATIONS = 200, LARGE = 16 * PAGE_SIZE };

struct slot {
    uint8_t *block;
    size_t size;
    uint8_t fill;
};

static void expect_filled(const uint8_t *block, size_t size,
                          uint8_t fill)
{
    for (size_t i = 0; i < size; i++)
        EXPECT(block[i] == fill);
}

static void resize(struct slot *slot, size_t size, uint8_t fill)
{
    size_t both = size < slot->size ? size : slot->size;

    slot->block = krealloc(slot->block, size);
    EXPECT(slot->block);
    expect_filled(slot->block, both, slot->fill);
    slot->size = size;
    slot->fill = fill;
    memset(slot->block, fill, size);
}

static void give_back(struct slot *slot)
{
    if (slot->block)
        expect_filled(slot->block, slot->size, slot->fill);
    kfree(slot->block);
    *slot = (struct slot){0};
}

static void allocate(void *argument)
{
    struct worker *worker    = argument;
    struct slot slots[SLOTS] = {0};

    for (; worker->count < ALLOCATIONS; worker->count++) {
        uint64_t chance   = random(&worker->state);
        struct slot *slot = &slots[chance % SLOTS];
        size_t limit      = chance >> 8 & 15 ? 2000 : LARGE;

        if (chance >> 16 & 1)
            give_back(slot);
        else
            resize(slot, (chance >> 24) % limit + 1, chance >> 56);
    }
    for (int i = 0; i < SLOTS; i++)
        give_back(&slots[i]);
}

// Numbers go through a buffer.

enum { ITEMS = 200 };

static struct buffer buffer;

static void produce(void *argument)
{
    for (uint64_t n = 1; n <= ITEMS; n++)
        buffer_put(&buffer, (void *)n);
    (void)argument;
}

static void consume(void *argument)
{
    struct worker *worker = argument;

    for (int i = 0; i < ITEMS; i++)
        worker->count += (uint64_t)buffer_get(&buffer);
}

// Increments that others would come between without the mutex.

enum { TURNS = 100 };

static struct mutex mutex;
static uint64_t turns;

static void take_turns(void *argument)
{
    struct worker *worker = argument;

    for (int i = 0; i < TURNS; i++) {
        uint64_t before;

        mutex_lock(&mutex);
        before = turns;
        if (random(&worker->state) % 8 == 0)
            thread_yield();
        turns = before + 1;
        mutex_unlock(&mutex);
    }
}

// No more than two at a time.

enum { PLACES = 2, VISITS = 20 };

static struct semaphore places;
static volatile int visitors;

static void visit(void *argument)
{
    for (int i = 0; i < VISITS; i++) {
        uint64_t flags;

        semaphore_wait(&places);
        flags = interrupts_disable();
        visitors++;
        EXPECT(visitors <= PLACES);
        interrupts_restore(flags);
        thread_yield();
        flags = interrupts_disable();
        visitors--;
        interrupts_restore(flags);
        semaphore_signal(&places);
    }
    (void)argument;
}

// All go through when the gate is opened.

static struct mutex gate;
static struct condition opened;
static bool is_open;

static void wait_at_gate(void *argument)
{
    mutex_lock(&gate);
    while (!is_open)
        condition_wait(&opened, &gate);
    mutex_unlock(&gate);
    (void)argument;
}

static void open_gate(void *argument)
{
    timer_wait(10);
    mutex_lock(&gate);
    is_open = true;
    condition_broadcast(&opened);
    mutex_unlock(&gate);
    (void)argument;
}

// Nobody wakes too early.

enum { SLEEPS = 3 };

static void sleep(void *argument)
{
    struct worker *worker = argument;

    for (; worker->count < SLEEPS; worker->count++) {
        uint64_t end = timer_ticks() + random(&worker->state) % 5;

        thread_sleep_until(end);
        EXPECT(timer_ticks() >= end);
    }
}

// Threads that make threads.

enum { CHILDREN = 8 };

static void count_one(void *argument)
{
    (*(uint64_t *)argument)++;
}

static void create(void *argument)
{
    struct worker *worker = argument;

    for (int i = 0; i < CHILDREN; i++) {
        struct thread *child =
            thread_create("child", random(&worker->state) % PRIORITIES,
                          count_one, &worker->count);

        EXPECT(child);
        thread_join(child);
        EXPECT(worker->count == i + 1u);
    }
}

// Demand-zero memory, page by page, and back.

enum { PAGES = 32 };

static void drop_page(virt_addr page)
{
    uint64_t flags = interrupts_disable();

    frame_free(page_unmap(&kernel_space, page));
    interrupts_restore(flags);
}

static void touch(void *argument)
{
    struct worker *worker = argument;
    virt_addr memory = DEMAND_ZERO + worker->number * PAGES * PAGE_SIZE;

    for (; worker->count < PAGES; worker->count++) {
        uint64_t *page =
            (uint64_t *)(memory + worker->count * PAGE_SIZE);

        for (size_t i = 0; i < PAGE_SIZE / sizeof(*page); i++)
            EXPECT(page[i] == 0);
        memset(page, 0xff, PAGE_SIZE);
        thread_yield();
        drop_page((virt_addr)page);
    }
}

struct job {
    const char *name;
    void (*function)(void *worker);
    int workers;
    enum priority priority;
};

static const struct job jobs[] = {
    {"allocate", allocate, 6, PRIORITY_NORMAL},
    {"produce", produce, 2, PRIORITY_NORMAL},
    {"consume", consume, 2, PRIORITY_HIGH},
    {"turn-low", take_turns, 2, PRIORITY_LOW},
    {"turn", take_turns, 2, PRIORITY_NORMAL},
    {"turn-high", take_turns, 2, PRIORITY_HIGH},
    {"visit", visit, 5, PRIORITY_NORMAL},
    {"wait", wait_at_gate, 8, PRIORITY_HIGH},
    {"open", open_gate, 1, PRIORITY_NORMAL},
    {"sleep", sleep, 8, PRIORITY_HIGH},
    {"create", create, 2, PRIORITY_NORMAL},
    {"touch", touch, 2, PRIORITY_LOW},
};

enum { JOBS = sizeof(jobs) / sizeof(jobs[0]), WORKERS_MAX = 8 };

static struct worker workers[JOBS][WORKERS_MAX];

static void start(const struct job *job, struct worker *own)
{
    for (int i = 0; i < job->workers; i++) {
        own[i] = (struct worker){
            .state  = mixed(seed + done.rounds * 1000 +
                            (job - jobs) * 10 + i),
            .number = i,
        };
        own[i].thread = thread_create(job->name, job->priority,
                                      job->function, &own[i]);
        EXPECT(own[i].thread);
    }
}

static uint64_t join(const struct job *job, struct worker *own)
{
    uint64_t count = 0;

    for (int i = 0; i < job->workers; i++) {
        thread_join(own[i].thread);
        count += own[i].count;
    }
    return count;
}

static uint64_t count_of(void (*function)(void *worker),
                         const uint64_t *counts)
{
    uint64_t count = 0;

    for (int i = 0; i < JOBS; i++)
        if (jobs[i].function == function)
            count += counts[i];
    return count;
}

static void check_counts(const uint64_t *counts)
{
    EXPECT(count_of(allocate, counts) == 6 * ALLOCATIONS);
    EXPECT(count_of(consume, counts) == ITEMS * (ITEMS + 1ul));
    EXPECT(count_of(sleep, counts) == 8 * SLEEPS);
    EXPECT(count_of(create, counts) == 2 * CHILDREN);
    EXPECT(count_of(touch, counts) == 2 * PAGES);
    EXPECT(turns == 6 * TURNS);
    EXPECT(visitors == 0 && places.count == PLACES);
    EXPECT(buffer.put == buffer.taken);
    done.blocks += count_of(allocate, counts);
    done.sleeps += count_of(sleep, counts);
    done.faults += count_of(touch, counts);
    done.threads += count_of(create, counts);
    done.items += buffer.taken;
    done.turns += turns;
}

static void work(void)
{
    uint64_t counts[JOBS];

    turns   = 0;
    is_open = false;
    EXPECT(buffer_init(&buffer, 4));
    for (int i = 0; i < JOBS; i++)
        start(&jobs[i], workers[i]);
    for (int i = 0; i < JOBS; i++) {
        counts[i] = join(&jobs[i], workers[i]);
        done.threads += jobs[i].workers;
    }
    check_counts(counts);
    buffer_destroy(&buffer);
    heap_trim();
}

// As many large blocks of each order at once as there may be in a
// round: the page tables for them stay.
static void make_tables(void)
{
    static void *blocks[6][64];

    for (int order = 0; order < 6; order++)
        for (int i = 0; i < 64; i++)
            blocks[order][i] = kmalloc(PAGE_SIZE << order >> 1);
    for (int order = 0; order < 6; order++)
        for (int i = 0; i < 64; i++)
            kfree(blocks[order][i]);
}

static void hear(struct typed *typed, int key)
{
    uint64_t flags = interrupts_disable();

    typed->count++;
    typed->sum = typed->sum * 31 + key;
    interrupts_restore(flags);
}

// Digits come from the keyboard, small letters through the wire.
static void listen(void *argument)
{
    int key;

    while ((key = input_get()) != 'Q') {
        EXPECT((key >= '0' && key <= '9') ||
               (key >= 'a' && key <= 'z'));
        hear(key <= '9' ? &keys : &bytes, key);
        EXPECT(input_lost() == 0);
    }
    stopping = true;
    (void)argument;
}

// Ends with a semicolon: an NMI may print in the middle of a line.
static void report(unsigned number)
{
    uint64_t flags       = interrupts_disable();
    struct typed by_keys = keys, by_wire = bytes;

    interrupts_restore(flags);
    printf("soak %u: rounds %lu, threads %lu, blocks %lu, items %lu, "
           "turns %lu, sleeps %lu, faults %lu, frames %zu, "
           "keys %lu %lu, bytes %lu %lu;\n",
           number, done.rounds, done.threads, done.blocks, done.items,
           done.turns, done.sleeps, done.faults, quiet_frames,
           by_keys.count, by_keys.sum, by_wire.count, by_wire.sum);
}

static void report_each_second(void *argument)
{
    uint64_t start  = timer_ticks();
    unsigned number = 1;

    for (; !stopping; number++) {
        thread_sleep_until(start + number * TIMER_HZ);
        report(number);
    }
    reported = true;
    (void)argument;
}

static uint64_t ask_for_seed(void)
{
    uint64_t number = 0;
    int key;

    printf("soak: which seed?\n");
    while ((key = input_get()) != '\n')
        number = number * 10 + key - '0';
    printf("soak: seed %lu\n", number);
    return number;
}

static void start_kernel(void)
{
    EXPECT(serial_init());
    console_add_sink(serial_putc);
    vga_init();
    console_add_sink(vga_putc);
    idt_init();
    page_fault_init();
    nmi_init();
    interrupts_init();
    timer_init();
    serial_listen();
    EXPECT(keyboard_init());
    sti();
}

// The first round is not counted: it leaves page tables behind.
static void soak(void)
{
    make_tables();
    work();
    quiet_frames = frames_free();
    while (!reported) {
        done.rounds++;
        work();
        EXPECT(frames_free() == quiet_frames);
    }
}

TEST(load)
{
    struct thread *listener, *reporter;

    start_kernel();
    places.count = PLACES;
    seed         = ask_for_seed();
    listener     = thread_create("listen", PRIORITY_HIGH, listen, NULL);
    reporter     = thread_create("report", PRIORITY_HIGH,
                                 report_each_second, NULL);
    EXPECT(listener && reporter);
    soak();
    thread_join(listener);
    thread_join(reporter);
    report(0);
}

// irq_off.c: the kernel at work, for bench.py to measure for how long
// interrupts are disabled. What prints in a handler is left out: the
// registers at a breakpoint, a trace, an NMI. That takes as long as the
// wire does.

#include "ktap.h"

#include "buffer.h"
#include "console.h"
#include "heap.h"
#include "idt.h"
#include "input.h"
#include "interrupts.h"
#include "keyboard.h"
#include "memory.h"
#include "page_fault.h"
#include "printf.h"
#include "semaphore.h"
#include "serial.h"
#include "threads.h"
#include "timer.h"
#include "vga.h"

enum { MANY = 100 };

static struct thread *made[MANY];

static void create(int count, enum priority priority,
                   void (*function)(void *argument), void *argument)
{
    for (int i = 0; i < count; i++) {
        made[i] = thread_create("worker", priority, function, argument);
        CHECK(made[i]);
    }
}

static void join(int count)
{
    for (int i = 0; i < count; i++)
        thread_join(made[i]);
}

// All that main.c does before its sti, and no more: what comes before
// the first one is not measured.
static void start(void)
{
    CHECK(serial_init());
    console_add_sink(serial_putc);
    vga_init();
    console_add_sink(vga_putc);
    idt_init();
    page_fault_init();
    interrupts_init();
    timer_init();
    serial_listen();
    CHECK(keyboard_init());
    sti();
}

// Through more than one page table.
static void touch_memory(void)
{
    for (int page = 0; page < 600; page++)
        *(volatile char *)(DEMAND_ZERO + page * PAGE_SIZE) = 1;
}

// Two slabs of each class, and all of them back.
static void use_small_blocks(void)
{
    static void *blocks[2 * PAGE_SIZE / 16];

    for (size_t size = 16; size < PAGE_SIZE / 2; size += 16) {
        size_t count = 2 * PAGE_SIZE / size;

        for (size_t i = 0; i < count; i++)
            CHECK((blocks[i] = kmalloc(size)));
        for (size_t i = 0; i < count; i++)
            kfree(blocks[i]);
    }
    heap_trim();
}

// The largest one goes beyond the direct map as it is.
static void use_large_blocks(void)
{
    static const size_t sizes[] = {2048, 5000, 65536, 4 << 20};
    void *block                 = NULL;

    for (int i = 0; i < 4; i++)
        CHECK((block = krealloc(block, sizes[i])));
    kfree(block);
}

static void do_nothing(void *argument)
{
    (void)argument;
}

static void create_and_join(void)
{
    for (int i = 0; i < PRIORITIES; i++) {
        create(MANY, i, do_nothing, NULL);
        join(MANY);
    }
}

static uint64_t common_tick;

static void sleep(void *argument)
{
    (void)argument;
    thread_sleep_until(common_tick);
}

// A hundred threads wake at the same tick.
static void wake_sleepers(void)
{
    common_tick = timer_ticks() + 10;
    create(MANY, PRIORITY_NORMAL, sleep, NULL);
    join(MANY);
}

static struct mutex mutex;
static struct condition condition;
static bool open;

static void pass_gate(void *argument)
{
    (void)argument;
    mutex_lock(&mutex);
    while (!open)
        condition_wait(&condition, &mutex);
    mutex_unlock(&mutex);
}

// A hundred threads wait for the same condition.
static void open_gate(void)
{
    create(MANY, PRIORITY_HIGH, pass_gate, NULL);
    mutex_lock(&mutex);
    open = true;
    condition_broadcast(&condition);
    mutex_unlock(&mutex);
    join(MANY);
}

enum { ITEMS = 500 };

static void produce(void *argument)
{
    for (uint64_t n = 0; n < ITEMS; n++)
        buffer_put(argument, (void *)n);
}

static void consume(void *argument)
{
    for (int n = 0; n < ITEMS; n++)
        buffer_get(argument);
}

static void pass_items(void)
{
    struct buffer buffer;

    CHECK(buffer_init(&buffer, 4));
    create(1, PRIORITY_NORMAL, produce, &buffer);
    consume(&buffer);
    join(1);
    buffer_destroy(&buffer);
}

static void print(void *argument)
{
    for (int line = 0; line < 15; line++) {
        printf("# %s, line %d of it\n", (const char *)argument, line);
        thread_yield();
    }
}

// More lines than the screen has.
static void print_lines(void)
{
    create(4, PRIORITY_NORMAL, print, "a thread that prints");
    join(4);
}

enum {
    KEYBOARD_DATA    = 0x60,
    KEYBOARD_COMMAND = 0x64,
    FROM_KEYBOARD    = 0xd2,  // the next byte comes as if typed
    CODE_A           = 0x1e,
};

static void read_keys(void *argument)
{
    (void)argument;
    for (int i = 0; i < 10; i++)
        CHECK_EQ(input_get(), 'a');
}

// One thread waits for keys.
static void hear_keys(void)
{
    create(1, PRIORITY_HIGH, read_keys, NULL);
    for (int i = 0; i < 10; i++) {
        outb(KEYBOARD_COMMAND, FROM_KEYBOARD);
        outb(KEYBOARD_DATA, CODE_A);
        timer_wait(20);
    }
    join(1);
}

TEST(work)
{
    start();
    touch_memory();
    use_small_blocks();
    use_large_blocks();
    create_and_join();
    wake_sleepers();
    open_gate();
    pass_items();
    print_lines();
    hear_keys();
}

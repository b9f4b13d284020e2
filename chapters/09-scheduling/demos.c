// demos.c: what threads can do beside each other.

#include "demos.h"

#include "buffer.h"
#include "printf.h"
#include "string.h"
#include "threads.h"
#include "timer.h"
#include "vga.h"

enum { ROWS = 8, COLUMN = 56, WIDTH = 24 };

struct demo {
    const char *name;
    enum priority priority;
    void (*run)(void *show);
    const char *what;
};

// A demo that runs, in a row of its own.
struct show {
    struct thread *thread;  // null: the row is free
    volatile bool stopping;
    uint64_t count;
};

static struct show shows[ROWS];

static void draw(const struct show *show, const char *what,
                 uint64_t value)
{
    char text[WIDTH + 1];

    snprintf(text, sizeof(text), " %-10s %12lu", what, value);
    vga_write_at(show - shows, COLUMN, text);
}

static void run_clock(void *argument)
{
    struct show *show = argument;

    while (!show->stopping) {
        draw(show, "up for", timer_uptime() / 1000);
        timer_wait(100);
    }
}

static void run_counter(void *argument)
{
    struct show *show = argument;

    while (!show->stopping)
        if (show->count++ % 100000 == 0)
            draw(show, "counted to", show->count);
}

// What the two threads of a pair share.
struct pair {
    struct show *show;
    struct buffer buffer;
};

// Null is the end.
static void run_producer(void *argument)
{
    struct pair *pair = argument;

    for (uint64_t n = 1; !pair->show->stopping; n++)
        buffer_put(&pair->buffer, (void *)n);
    buffer_put(&pair->buffer, NULL);
}

static void consume(struct pair *pair)
{
    void *item;

    while ((item = buffer_get(&pair->buffer))) {
        draw(pair->show, "consumed", (uint64_t)item);
        if (!pair->show->stopping)
            timer_wait(100);
    }
}

static void run_consumer(void *argument)
{
    struct pair pair = {.show = argument};
    struct thread *producer;

    if (!buffer_init(&pair.buffer, 4))
        return;
    producer =
        thread_create("producer", PRIORITY_NORMAL, run_producer, &pair);
    if (producer) {
        consume(&pair);
        thread_join(producer);
    }
    buffer_destroy(&pair.buffer);
}

static const struct demo demos[] = {
    {"clock", PRIORITY_NORMAL, run_clock, "sleeps most of the time"},
    {"counter", PRIORITY_LOW, run_counter, "never waits"},
    {"consumer", PRIORITY_NORMAL, run_consumer,
     "waits for numbers of a producer"},
};

enum { DEMOS = sizeof(demos) / sizeof(demos[0]) };

static struct show *free_row(void)
{
    for (size_t i = 0; i < ROWS; i++)
        if (!shows[i].thread)
            return &shows[i];
    return NULL;
}

static void start(const struct demo *demo)
{
    struct show *show = free_row();

    if (!show) {
        printf("all %d rows are taken\n", ROWS);
        return;
    }
    *show = (struct show){0};
    show->thread =
        thread_create(demo->name, demo->priority, demo->run, show);
    if (!show->thread)
        printf("there is not enough memory\n");
}

bool demo_start(const char *name)
{
    for (size_t i = 0; i < DEMOS; i++)
        if (strcmp(name, demos[i].name) == 0) {
            start(&demos[i]);
            return true;
        }
    return false;
}

bool demo_stop(uint64_t id)
{
    for (size_t i = 0; i < ROWS; i++)
        if (shows[i].thread && shows[i].thread->id == id) {
            shows[i].stopping = true;
            thread_join(shows[i].thread);
            shows[i].thread = NULL;
            draw(&shows[i], "ended", shows[i].count);
            return true;
        }
    return false;
}

void demos_print(void)
{
    for (size_t i = 0; i < DEMOS; i++)
        printf("%-10s %s\n", demos[i].name, demos[i].what);
}

// touches.c: threads touch the same pages of demand-zero memory, and
// none of them knows which it is the first to touch.

#include "ktap.h"

#include <stddef.h>

#include "cpu.h"
#include "idt.h"
#include "interrupts.h"
#include "page_fault.h"
#include "threads.h"
#include "timer.h"

enum { THREADS = 4, PAGES = 509 };  // a prime number

static struct thread *touchers[THREADS];

static uint8_t *page(int number)
{
    return (uint8_t *)DEMAND_ZERO + number * PAGE_SIZE;
}

// Each has a byte of its own in each page, and goes through the pages
// in an order of its own.
static void touch(void *argument)
{
    int which = (int)(uint64_t)argument;

    for (int i = 0; i < PAGES; i++) {
        page(i * (2 * which + 3) % PAGES)[which] = 'a' + which;
        if (i % (which + 2) == 0)
            thread_yield();
    }
}

static bool is_right(const uint8_t *bytes)
{
    for (int i = 0; i < PAGE_SIZE; i++)
        if (bytes[i] != (i < THREADS ? 'a' + i : 0))
            return false;
    return true;
}

static void start_all(void)
{
    for (uint64_t i = 0; i < THREADS; i++)
        touchers[i] =
            thread_create("toucher", PRIORITY_NORMAL, touch, (void *)i);
}

TEST(pages_are_made_once)
{
    idt_init();
    page_fault_init();
    interrupts_init();
    timer_init();
    sti();
    start_all();
    for (int i = 0; i < THREADS; i++)
        thread_join(touchers[i]);
    for (int i = 0; i < PAGES; i++)
        CHECK(is_right(page(i)));
}

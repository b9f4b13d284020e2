// input.c: a queue. Interrupts put keys in at one end, the program
// takes them out at the other.

#include "input.h"

#include "interrupts.h"
#include "threads.h"

enum { SIZE = 128 };  // a power of 2: the numbers below wrap around

static uint16_t keys[SIZE];
static unsigned put, taken;  // how many, ever; in key number % SIZE
static uint64_t lost;
static struct thread_queue readers;

static void add(int key)
{
    keys[put++ % SIZE] = key;
    thread_wake(&readers);
}

void input_put(int key)
{
    uint64_t flags = interrupts_disable();

    if (key == KEY_NONE)
        ;
    else if (put - taken == SIZE)
        lost++;
    else
        add(key);
    threads_restore(flags);
}

int input_get(void)
{
    uint64_t flags = interrupts_disable();
    int key;

    while (put == taken)
        thread_wait(&readers);
    key = keys[taken++ % SIZE];
    interrupts_restore(flags);
    return key;
}

uint64_t input_lost(void)
{
    uint64_t flags = interrupts_disable();
    uint64_t count = lost;

    lost = 0;
    interrupts_restore(flags);
    return count;
}

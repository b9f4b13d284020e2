// window.c: an interrupt between any two instructions. The code is
// stepped through by #DB; after n instructions the handler raises a
// line. What is wrong for a single instruction is found this way: a key
// is lost, or the CPU sleeps for ever with one in the queue, and this
// kernel with it.

#include "taken.h"

#include "lines.h"

enum { QUEUE = 128, STI = 0xfb, HLT = 0xf4 };

static int left;           // instructions until the line is raised
static bool raised, last;  // last: there is nothing behind it to try

static bool is_halt(const uint8_t *code)
{
    return code[0] == HLT || (code[0] == STI && code[1] == HLT);
}

// What comes to sti comes to hlt: in between interrupts are held back.
// A #DB would not be, and hlt does not end with one.
static void step(struct trap_frame *frame)
{
    last = is_halt((const uint8_t *)frame->rip);
    if (--left > 0 && !last)
        return;
    frame->rflags &= ~(uint64_t)RFLAGS_TF;
    raised = true;
    raise_line(free_line);
}

static void (*interrupt)(void);

static void handle(struct trap_frame *frame)
{
    (void)frame;
    lower_line();
    interrupt();
}

// Runs code with an interrupt after n of its instructions, and what the
// interrupt does. False: it cannot come any later.
static __attribute__((noinline)) bool
interrupted_after(int n, void (*code)(void), void (*what)(void),
                  uint64_t flags)
{
    exception_set_handler(EXC_DEBUG, step);
    interrupt_set_handler(free_line, handle);
    interrupt = what;
    left      = n;
    raised = last = false;
    write_rflags(read_rflags() | RFLAGS_TF | flags);
    code();
    write_rflags(read_rflags() & ~(uint64_t)RFLAGS_TF);
    CHECK_EQ(read_rflags() & RFLAGS_IF, flags);
    if (raised)
        take_interrupts();
    cli();
    exception_set_handler(EXC_DEBUG, NULL);
    return raised && !last;
}

static void put_k(void)
{
    input_put('k');
}

static int key;

static void get(void)
{
    key = input_get();
}

static void check_wake(uint64_t flags)
{
    int n = 0;

    do {
        quiet();
        take_all();
        key = KEY_NONE;
        n++;
    } while (interrupted_after(n, get, put_k, flags) &&
             CHECK_EQ(key, 'k') && CHECK_EQ(take_all(), 0));
    CHECK(last);
    CHECK_EQ(key, 'k');
    CHECK(n > 5);
}

TEST(no_key_comes_between_looking_and_sleeping)
{
    check_wake(RFLAGS_IF);
    check_wake(0);
}

// Two at the queue

static bool took(int first, int second)
{
    return take_all() == 2 &&
           ((taken[0] == first && taken[1] == second) ||
            (taken[0] == second && taken[1] == first));
}

static void put_a(void)
{
    input_put('a');
}

TEST(two_keys_at_once_are_both_kept)
{
    int n = 0;

    do {
        quiet();
        take_all();
        n++;
    } while (interrupted_after(n, put_a, put_k, RFLAGS_IF) &&
             CHECK(took('a', 'k')));
    CHECK(n > 5);
}

TEST(two_keys_and_one_place)
{
    int n = 0;

    do {
        quiet();
        take_all();
        for (int i = 0; i < QUEUE - 1; i++)
            input_put('x');
        n++;
    } while (interrupted_after(n, put_a, put_k, RFLAGS_IF) &&
             CHECK_EQ(input_lost(), 1) && CHECK_EQ(take_all(), QUEUE));
    CHECK(n > 5);
}

TEST(two_lost_keys_are_both_counted)
{
    int n = 0;

    do {
        quiet();
        take_all();
        for (int i = 0; i < QUEUE; i++)
            input_put('x');
        n++;
    } while (interrupted_after(n, put_a, put_k, RFLAGS_IF) &&
             CHECK_EQ(input_lost(), 2));
    CHECK(n > 5);
}

TEST(one_key_comes_while_another_is_taken)
{
    int n = 0;

    do {
        quiet();
        take_all();
        input_put('x');
        n++;
    } while (interrupted_after(n, get, put_k, RFLAGS_IF) &&
             CHECK_EQ(key, 'x') && CHECK(takes("k")));
    CHECK(n > 5);
}

static uint64_t lost;

static void ask_lost(void)
{
    lost = input_lost();
}

TEST(key_lost_while_they_are_counted_is_counted)
{
    int n = 0;

    do {
        quiet();
        take_all();
        for (int i = 0; i < QUEUE + 3; i++)
            input_put('x');
        n++;
    } while (interrupted_after(n, ask_lost, put_k, RFLAGS_IF) &&
             CHECK_EQ(lost + input_lost(), 4));
    CHECK(n > 5);
}

// Two at the mask

static void nothing(struct trap_frame *frame)
{
    (void)frame;
}

static void set_handler_of_3(void)
{
    interrupt_set_handler(3, nothing);
}

static void set_handler_of_6(void)
{
    interrupt_set_handler(6, nothing);
}

TEST(two_lines_are_unmasked_at_once)
{
    int n = 0;

    do {
        quiet();
        n++;
    } while (interrupted_after(n, set_handler_of_3, set_handler_of_6,
                               RFLAGS_IF) &&
             CHECK_EQ(masked_lines(), 0xff93));
    CHECK(n > 5);
}

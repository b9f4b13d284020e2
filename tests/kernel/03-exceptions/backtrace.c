// backtrace.c: chains of frames, whole and broken.

#include "captured.h"

#include "backtrace.h"
#include "exceptions.h"
#include "printf.h"
#include "symbols.h"

extern const char stack_guard[];

struct link {
    uint64_t rbp;
    uint64_t return_address;
};

static struct link chain[32];

static const char *text_from(uint64_t rbp)
{
    struct trap_frame frame = {.rip = (uint64_t)backtrace, .rbp = rbp};

    captured_start();
    backtrace(&frame);
    CHECK(fits_screen(captured.text));
    return captured.text;
}

// How many lines the text has.
static int lines(const char *text)
{
    int count = 0;

    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

static void link_up(int count)
{
    for (int i = 0; i < count; i++)
        chain[i] = (struct link){(uint64_t)&chain[i + 1],
                                 (uint64_t)symbol_print + i + 1};
    chain[count - 1].rbp = 0;
}

TEST(chain_is_followed_to_its_end)
{
    char text[256];

    link_up(2);
    snprintf(text, sizeof(text),
             "  %016lx backtrace+0x0\n"
             "  %016lx symbol_print+0x1\n"
             "  %016lx symbol_print+0x2\n",
             (uint64_t)backtrace, (uint64_t)symbol_print + 1,
             (uint64_t)symbol_print + 2);
    CHECK_EQ(strcmp(text_from((uint64_t)&chain[0]), text), 0);
}

TEST(no_chain_is_no_chain)
{
    CHECK_EQ(lines(text_from(0)), 1);
}

TEST(long_chain_is_cut)
{
    link_up(9);
    CHECK(!contains(text_from((uint64_t)chain), "..."));
    link_up(32);
    CHECK(contains(text_from((uint64_t)chain), "\n  ..."));
    CHECK_EQ(lines(captured.text), 11);
}

static void check_stuck_at(uint64_t rbp)
{
    char text[80];

    snprintf(text, sizeof(text), "\n  no way on from rbp %016lx\n",
             rbp);
    CHECK(contains(captured.text, text));
}

static void check_bad(uint64_t rbp)
{
    text_from(rbp);
    check_stuck_at(rbp);
    CHECK_EQ(lines(captured.text), 2);

    link_up(2);
    chain[1].rbp = rbp;
    text_from((uint64_t)chain);
    check_stuck_at(rbp);
    CHECK_EQ(lines(captured.text), 4);
}

TEST(bad_rbp_ends_the_chain)
{
    check_bad(8);  // unmapped
    check_bad((uint64_t)stack_guard);
    check_bad((uint64_t)stack_guard - 8);  // half of it
    check_bad((uint64_t)&chain[4] + 4);    // misaligned
    check_bad(0x7ffffffffff8);             // unmapped, canonical
    check_bad(0x800000000000);             // not canonical
    check_bad(0xffff7ffffffffff8);
    check_bad(0xfffffffffffffff8);  // wraps
    check_bad(~0ul);
}

TEST(loop_ends)
{
    link_up(3);
    chain[2].rbp = (uint64_t)&chain[0];
    text_from((uint64_t)chain);
    check_stuck_at((uint64_t)&chain[0]);
    chain[1].rbp = (uint64_t)&chain[1];
    text_from((uint64_t)chain);
    check_stuck_at((uint64_t)&chain[1]);
}

// The return address lies where call has put it, at rsp.
TEST(call_to_nowhere_shows_its_caller)
{
    uint64_t stack          = (uint64_t)symbol_print + 5;
    struct trap_frame frame = {.rsp = (uint64_t)&stack};

    captured_start();
    backtrace(&frame);
    CHECK_BEGINS(captured.text, "  0000000000000000\n  ");
    CHECK(contains(captured.text, " symbol_print+0x5\n"));
    CHECK_EQ(lines(captured.text), 2);

    frame.rsp = 8;
    captured_start();
    backtrace(&frame);
    CHECK_EQ(strcmp(captured.text, "  0000000000000000\n"), 0);
}

static __attribute__((noinline)) void innermost(void)
{
    printf("innermost\n");
    asm volatile("ud2");
}

static __attribute__((noinline)) void outermost(void)
{
    innermost();
}

TEST(real_calls_have_their_names)
{
    const char *text = captured_report(outermost);

    CHECK(contains(text, " innermost+0x"));
    CHECK(contains(text, " outermost+0x"));
    CHECK(contains(text, " captured_report+0x"));
    CHECK(contains(text, " kernel_main+0x"));
    CHECK(contains(text, " start_64+0x"));
    CHECK(!contains(text, "no way on"));
}

static void call_null(void)
{
    void (*volatile null)(void) = NULL;

    null();
}

TEST(real_call_of_null_shows_its_caller)
{
    const char *text = captured_report(call_null);

    CHECK(contains(text, "  0000000000000000\n"));
    CHECK(contains(text, " call_null+0x"));
    CHECK(contains(text, " captured_report+0x"));
}

// On a stack that nobody made, with nothing in rbp that makes sense.
static void lose_the_stack(void)
{
    static uint64_t words[1024];

    asm volatile("mov %0, %%rsp; mov $0x123456789abc, %%rbp; ud2"
                 :
                 : "r"(words + 1000));
}

TEST(other_stacks_are_reported)
{
    const char *text = captured_report(lose_the_stack);

    CHECK_BEGINS(text, "\n#UD invalid opcode, vector 6\n");
    CHECK(contains(text, " lose_the_stack+0x"));
    CHECK(contains(text, "  no way on from rbp 0000123456789abc\n"));
}

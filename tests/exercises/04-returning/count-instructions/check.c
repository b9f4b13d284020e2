// check.c: functions whose instructions can be counted on paper.

#include "03-exceptions/captured.h"

#include "cpu.h"
#include "exceptions.h"
#include "trace.h"

void only_ret(void), two_nops(void), loop(void), back_to_start(void);
void call_two_nops(void), recurse(void), even_or_odd(void);

uint64_t rounds;

asm(".pushsection .text\n"
    "only_ret:\n"
    "ret\n"
    "two_nops:\n"
    "nop\n"
    "nop\n"
    "ret\n"
    // 2 + 2 rounds
    "loop:\n"
    "mov rounds(%rip), %rcx\n"
    "1: dec %rcx\n"
    "jnz 1b\n"
    "ret\n"
    // 1 + 2 rounds
    "back_to_start:\n"
    "decq rounds(%rip)\n"
    "jnz back_to_start\n"
    "ret\n"
    // 6 + 3
    "call_two_nops:\n"
    "push %rbp\n"
    "mov %rsp, %rbp\n"
    "call two_nops\n"
    "pop %rbp\n"
    "nop\n"
    "ret\n"
    // 4 rounds, less 1
    "recurse:\n"
    "decq rounds(%rip)\n"
    "jz 1f\n"
    "call recurse\n"
    "1: ret\n"
    // 3 if rounds is 0, or else 4
    "even_or_odd:\n"
    "cmpq $0, rounds(%rip)\n"
    "je 1f\n"
    "nop\n"
    "1: ret\n"
    ".popsection\n");

static uint64_t count(void (*function)(void))
{
    uint64_t instructions;

    captured_start();
    instructions = count_instructions(function);
    CHECK_EQ(read_rflags() & RFLAGS_TF, 0);
    CHECK_EQ(captured.length, 0);
    return instructions;
}

TEST(straight_functions)
{
    CHECK_EQ(count(only_ret), 1);
    CHECK_EQ(count(two_nops), 3);
}

TEST(jumps)
{
    rounds = 0;
    CHECK_EQ(count(even_or_odd), 3);
    rounds = 1;
    CHECK_EQ(count(even_or_odd), 4);
}

TEST(loops)
{
    rounds = 1000;
    CHECK_EQ(count(loop), 2002);
    rounds = 100;
    CHECK_EQ(count(back_to_start), 201);
}

TEST(functions_it_calls_are_counted)
{
    CHECK_EQ(count(call_two_nops), 9);
}

TEST(function_may_call_itself)
{
    rounds = 1;
    CHECK_EQ(count(recurse), 3);
    rounds = 10;
    CHECK_EQ(count(recurse), 39);
}

static volatile uint64_t sum;

static void add_up(void)
{
    for (int i = 0; i < 20; i++)
        sum += i;
}

TEST(function_does_what_it_does)
{
    uint64_t first;

    sum   = 0;
    first = count(add_up);
    CHECK_EQ(sum, 190);
    CHECK_EQ(count(add_up), first);
    CHECK_EQ(sum, 380);
}

static int lines(void)
{
    int found = 0;

    for (size_t i = 0; i < captured.length; i++)
        found += captured.text[i] == '\n';
    return found;
}

TEST(trace_works_as_before)
{
    CHECK_EQ(count(only_ret), 1);
    trace(5);
    two_nops();
    two_nops();
    two_nops();
    CHECK_EQ(lines(), 5);
    CHECK_EQ(count(two_nops), 3);
}

// check.c: uses the kernel's stack down to places that are known.

#include "03-exceptions/captured.h"

#include "exceptions.h"
#include "printf.h"

#if !__has_include("stacks.h")
#error There is no stacks.h, which is to declare stack_used().
#endif
#include "stacks.h"

enum {
    STACK_SIZE = 16 * 1024,
    TOLERANCE  = 64,
    TRAP_FRAME = sizeof(struct trap_frame),
};

extern char stack_bottom[], stack_top[];

// Pushes the two values in turn until the stack is so many bytes deep.
void fill_to(uint64_t depth, uint64_t one, uint64_t other);

// Pushes one value there, and nothing above.
void reach_to(uint64_t depth, uint64_t value);

// Executes the instruction there.
void int3_at(uint64_t depth);
void int2_at(uint64_t depth);

asm(".pushsection .text\n"
    "fill_to:\n"
    "mov %rsp, %rax\n"
    "mov $stack_top, %rcx\n"
    "sub %rdi, %rcx\n"
    "1: push %rsi\n"
    "xchg %rsi, %rdx\n"
    "cmp %rcx, %rsp\n"
    "ja 1b\n"
    "mov %rax, %rsp\n"
    "ret\n"

    "reach_to:\n"
    "mov %rsp, %rax\n"
    "mov $stack_top + 8, %rcx\n"
    "sub %rdi, %rcx\n"
    "mov %rcx, %rsp\n"
    "push %rsi\n"
    "mov %rax, %rsp\n"
    "ret\n"

    ".macro int_at number\n"
    "push %rbx\n"
    "mov %rsp, %rbx\n"
    "mov $stack_top, %rcx\n"
    "sub %rdi, %rcx\n"
    "mov %rcx, %rsp\n"
    "int $\\number\n"
    "mov %rbx, %rsp\n"
    "pop %rbx\n"
    "ret\n"
    ".endm\n"
    "int3_at: int_at 3\n"
    "int2_at: int_at 2\n"
    ".popsection\n");

// What the stack holds where it has never been used.
static uint64_t pattern(void)
{
    return *(const volatile uint64_t *)stack_bottom;
}

// What is in use never becomes less, so all is tried once, in this
// order.
enum stage {
    START,
    PUSHED,
    LEFT,
    USED_AGAIN,
    USUAL,
    CHANCE,
    HOLE,
    EXCEPTION,
    NMI,
    ALL,
};

static struct result {
    enum stage stage;
    uint64_t used, least, most;
} results[40];
static int count;

static void note(enum stage stage, uint64_t least, uint64_t most)
{
    results[count++] =
        (struct result){stage, stack_used(), least, most};
}

static void note_depth(enum stage stage, uint64_t depth)
{
    note(stage, depth - TOLERANCE, depth + TOLERANCE);
}

static void fill(enum stage stage, uint64_t depth, uint64_t one,
                 uint64_t other)
{
    fill_to(depth, one, other);
    note_depth(stage, depth);
}

static void start(void)
{
    uint64_t depth = stack_top - (char *)__builtin_frame_address(0);

    note(START, depth, STACK_SIZE / 4);
    note(START, results[0].used, results[0].used);
}

static void push(void)
{
    fill(PUSHED, 0x1000, 1, 2);
    fill(PUSHED, 0x1008, 1, 2);
    fill(PUSHED, 0x1100, 0x0123456789abcdef, ~0ul);
    for (int i = 0; i < 3; i++)
        note_depth(LEFT, 0x1100);
}

static void use_again(void)
{
    fill_to(0x800, 1, 2);
    note_depth(USED_AGAIN, 0x1100);
    fill_to(0x1000, pattern(), pattern());
    note_depth(USED_AGAIN, 0x1100);
}

// Numbers that are often on stacks, and the one that is the pattern.
static void push_certain_numbers(void)
{
    fill(USUAL, 0x1400, 0, 0);
    fill(USUAL, 0x1600, ~0ul, ~0ul);
    fill(USUAL, 0x1800, (uint64_t)stack_top, (uint64_t)stack_bottom);
    fill(CHANCE, 0x1a00, pattern(), 1);
    fill(CHANCE, 0x1c08, pattern(), 1);
    fill(CHANCE, 0x1e00, 1, pattern());
    fill(CHANCE, 0x2008, 1, pattern());
}

static void leave_holes(void)
{
    reach_to(0x2400, 1);
    note_depth(HOLE, 0x2400);
    reach_to(0x2800, 0);
    note_depth(HOLE, 0x2800);
}

static void do_nothing(struct trap_frame *frame)
{
    (void)frame;
}

static void interrupt(void)
{
    uint64_t used;

    idt_init();
    exception_set_handler(EXC_BREAKPOINT, do_nothing);
    exception_set_handler(EXC_NMI, do_nothing);
    int3_at(0x2c00);
    note(EXCEPTION, 0x2c00 + TRAP_FRAME, 0x3000);
    used = stack_used();
    int2_at(used);
    note(NMI, used, used);
}

static void check(enum stage stage)
{
    if (count == 0) {
        start();
        push();
        use_again();
        push_certain_numbers();
        leave_holes();
        interrupt();
        fill(ALL, STACK_SIZE - 8, 1, 2);
        fill_to(STACK_SIZE, 1, 2);
        note(ALL, STACK_SIZE, STACK_SIZE);
    }
    for (int i = 0; i < count; i++) {
        const struct result *r = &results[i];
        char told[120];

        snprintf(told, sizeof(told),
                 "stack_used() is %lu, not from %lu to %lu", r->used,
                 r->least, r->most);
        if (r->stage == stage)
            ktap_check(r->used >= r->least && r->used <= r->most,
                       "result", i, told);
    }
}

TEST(most_of_the_stack_is_not_used_yet)
{
    check(START);
}

TEST(what_is_pushed_counts)
{
    check(PUSHED);
}

TEST(what_is_left_does_too)
{
    check(LEFT);
    check(USED_AGAIN);
}

TEST(numbers_that_are_often_on_stacks)
{
    check(USUAL);
}

TEST(words_that_are_the_same_by_chance)
{
    check(CHANCE);
}

TEST(hole_that_nobody_has_written_to)
{
    check(HOLE);
}

TEST(exceptions_use_the_current_stack)
{
    check(EXCEPTION);
}

TEST(nmis_do_not)
{
    check(NMI);
}

TEST(all_of_the_stack)
{
    check(ALL);
}

// check.c: functions that look where they are, called on stacks made
// for them.

#include "03-exceptions/captured.h"

#include "exceptions.h"
#include "page_fault.h"
#include "printf.h"
#include "probe.h"

#if !__has_include("stacks.h")
#error There is no stacks.h, which is to declare call_on_stack().
#endif
#include "stacks.h"

enum { STACK_SIZE = 16 * 1024, STACKS = 3, KEPT = 7, NEAR = 128 };

// Below the kernel's own stack. Each is followed by what is not of it.
static struct {
    uint8_t bytes[STACK_SIZE];
    uint8_t behind[64];
} stacks[STACKS] __attribute__((aligned(16)));

#define TOP(n) ((void *)stacks[n].behind)

// By the assembly: what the function found, and what was kept of rbx,
// rbp, r12 to r15 and rsp.
uint64_t entry_rsp, entry_argument;
uint64_t before[KEPT], after[KEPT];

void look(void *argument);
void call_with(void (*function)(void *), void *argument, void *top);
void raise_ud(void *argument);

// look changes all that a function may, and call_with finds out what
// call_on_stack keeps.
asm(".pushsection .text\n"
    "look:\n"
    "mov %rsp, entry_rsp(%rip)\n"
    "mov %rdi, entry_argument(%rip)\n"
    ".irp r, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11\n"
    "mov $-3, %\\r\n"
    ".endr\n"
    "ret\n"

    "call_with:\n"
    "push %rbp\n"
    "push %rbx\n"
    ".irp n, 12, 13, 14, 15\n"
    "push %r\\n\n"
    ".endr\n"
    "sub $8, %rsp\n"
    "mov %rsp, before + 48(%rip)\n"
    "mov before(%rip), %rbx\n"
    "mov before + 8(%rip), %rbp\n"
    ".irp n, 12, 13, 14, 15\n"
    "mov before + 8 * (\\n - 10)(%rip), %r\\n\n"
    ".endr\n"
    "call call_on_stack\n"
    "mov %rbx, after(%rip)\n"
    "mov %rbp, after + 8(%rip)\n"
    ".irp n, 12, 13, 14, 15\n"
    "mov %r\\n, after + 8 * (\\n - 10)(%rip)\n"
    ".endr\n"
    "mov %rsp, after + 48(%rip)\n"
    "mov before + 48(%rip), %rsp\n"
    "add $8, %rsp\n"
    ".irp n, 15, 14, 13, 12\n"
    "pop %r\\n\n"
    ".endr\n"
    "pop %rbx\n"
    "pop %rbp\n"
    "ret\n"

    "raise_ud:\n"
    "push %rbp\n"
    "mov %rsp, %rbp\n"
    "ud2\n"
    ".popsection\n");

static bool is_on(int n, uint64_t address)
{
    return address - (uint64_t)stacks[n].bytes < STACK_SIZE;
}

static void *stack_here(void)
{
    return __builtin_frame_address(0);
}

static void check_call(void *top)
{
    const uint64_t none = 0;

    entry_rsp = none;
    call_with(look, &entry_rsp, top);
    CHECK(entry_rsp != none);
    CHECK_EQ(entry_argument, &entry_rsp);
    CHECK(entry_rsp < (uint64_t)top);
    CHECK(entry_rsp > (uint64_t)top - NEAR);
    CHECK_EQ(entry_rsp % 16, 8);  // below the return address
}

static void begin(void)
{
    idt_init();
    page_fault_init();
    memset(stacks, 0x55, sizeof(stacks));
    for (int i = 0; i < KEPT - 1; i++)
        before[i] = 0x0101010101010101 * (i + 1);
}

TEST(function_is_on_the_stack)
{
    begin();
    check_call(TOP(0));
    check_call(TOP(1));
}

TEST(top_of_any_alignment)
{
    begin();
    for (int i = 0; i <= 32; i++)
        check_call((uint8_t *)TOP(0) - i);
}

TEST(registers_are_kept)
{
    begin();
    for (int i = 0; i < 16; i++) {
        call_with(look, NULL, (uint8_t *)TOP(0) - i);
        for (int r = 0; r < KEPT; r++)
            CHECK_EQ(after[r], before[r]);
    }
}

TEST(top_and_above_are_not_touched)
{
    begin();
    for (int i = 0; i < 16; i++) {
        memset(&stacks[0], 0x55, sizeof(stacks[0]));
        call_with(look, NULL, (uint8_t *)TOP(0) - i);
        for (int b = -i; b < 64; b++)
            CHECK_EQ(((uint8_t *)TOP(0))[b], 0x55);
    }
}

// With locals of its own, and functions it calls.
static void print_sum(void *text)
{
    volatile uint64_t numbers[512];
    uint64_t sum = 0;

    for (int i = 0; i < 512; i++)
        numbers[i] = i;
    for (int i = 0; i < 512; i++)
        sum += numbers[i];
    snprintf(text, 16, "%lu", sum);
}

TEST(function_uses_the_stack)
{
    char text[16] = "";

    begin();
    call_on_stack(print_sum, text, TOP(0));
    CHECK_TEXT(text, "130816");
}

// In the order of calls, and back.
static int told[2 * STACKS], count;

static void descend(void *numbers)
{
    const int *n = numbers;

    CHECK(is_on(*n, (uint64_t)stack_here()));
    told[count++] = *n;
    if (n[1] >= 0)
        call_on_stack(descend, (void *)(n + 1), TOP(n[1]));
    CHECK(is_on(*n, (uint64_t)stack_here()));
    told[count++] = *n;
}

static void check_descend(int first, int second, int third)
{
    int numbers[] = {first, second, third, -1};

    begin();
    count = 0;
    call_on_stack(descend, numbers, TOP(first));
    CHECK_EQ(count, 2 * STACKS);
    for (int i = 0; i < STACKS; i++) {
        CHECK_EQ(told[i], numbers[i]);
        CHECK_EQ(told[2 * STACKS - 1 - i], numbers[i]);
    }
}

TEST(function_may_call_it_again)
{
    check_descend(2, 1, 0);
    check_descend(0, 1, 2);
    check_descend(1, 2, 0);
}

static uint64_t interrupted_rsp;

static void note_rsp(struct trap_frame *frame)
{
    interrupted_rsp = frame->rsp;
}

static void raise_and_return(void *nothing)
{
    uint64_t value;
    volatile uint8_t *page = (volatile uint8_t *)DEMAND_ZERO + 0x10000;

    (void)nothing;
    asm volatile("int3" : : : "memory");
    CHECK(!probe_read(NULL, &value));
    CHECK_EQ(*page, 0);
}

TEST(exceptions_return)
{
    begin();
    exception_set_handler(EXC_BREAKPOINT, note_rsp);
    call_on_stack(raise_and_return, NULL, TOP(1));
    CHECK(is_on(1, interrupted_rsp));
}

__attribute__((noinline)) static void inner(void *nothing)
{
    (void)nothing;
    call_on_stack(raise_ud, NULL, TOP(0));
}

__attribute__((noinline)) static void outer(void)
{
    call_on_stack(inner, NULL, TOP(1));
}

// What follows the first mention of a function; null if there is none.
static const char *behind_line(const char *text, const char *name)
{
    char part[40];

    snprintf(part, sizeof(part), " %s+0x", name);
    while (text && *text != '\0' && !begins_with(text, part))
        text++;
    return text && *text != '\0' ? text : NULL;
}

TEST(backtrace_goes_on_into_the_callers)
{
    const char *text;

    begin();
    text = captured_report(outer);
    CHECK((text = behind_line(text, "raise_ud")));
    CHECK((text = behind_line(text, "inner")));
    CHECK((text = behind_line(text, "outer")));
    CHECK((text = behind_line(text, "captured_report")));
    CHECK((text = behind_line(text, "kernel_main")));
    CHECK(!contains(captured.text, "no way on"));
}

// overflow.c: stacks that overflow, and what a report says about it.

#include "03-exceptions/captured.h"

#include "stacks.h"

#include "03-exceptions/tables.h"
#include "cpu.h"
#include "exceptions.h"
#include "idt.h"
#include "printf.h"

#define TITLE "\n#DF double fault, vector 8\n"

// The number behind a text of the report.
static uint64_t number_behind(const char *text)
{
    const char *c  = captured.text;
    uint64_t value = 0;

    while (*c != '\0' && !begins_with(c, text))
        c++;
    if (!CHECK(*c != '\0'))
        return 0;
    for (c += strlen(text);; c++) {
        if (*c >= '0' && *c <= '9')
            value = value << 4 | (*c - '0');
        else if (*c >= 'a' && *c <= 'f')
            value = value << 4 | (*c - 'a' + 10);
        else
            return value;
    }
}

// Checks the title and the line below. Returns what it says CR2 is.
static uint64_t check_overflow(const char *text, int which)
{
    uint64_t cr2 = number_behind("\ncr2 ");
    char start[160];

    snprintf(start, sizeof(start),
             TITLE "cr2 %016lx: guard page: the %s stack has "
                   "overflowed\nrax ",
             cr2, stacks[which].name);
    captured_check(text, start, __LINE__);
    CHECK(cr2 >= (uint64_t)stacks[which].guard);
    CHECK(cr2 < (uint64_t)stacks[which].bottom);
    return cr2;
}

// At the edge, by one instruction

uint64_t edge;
void push_at_edge(void), call_at_edge(void), fault_at_edge(void);
extern const char push_itself[], call_itself[];

// clang-format off
asm(".pushsection .text\n"
    "push_at_edge:\n"
    "mov edge(%rip), %rsp\n"
    "push_itself: push %rax\n"
    "ud2\n"

    "call_at_edge:\n"
    "mov edge(%rip), %rsp\n"
    "call_itself: call push_at_edge\n"
    "ud2\n"

    "fault_at_edge:\n"
    "mov edge(%rip), %rsp\n"
    "ud2\n"
    ".popsection\n");
// clang-format on

static void check_edge(void (*raise)(void), int which)
{
    uint64_t cr2;

    edge = (uint64_t)stacks[which].bottom;
    cr2  = check_overflow(captured_report(raise), which);
    CHECK_EQ(cr2, edge - 8);
    CHECK_EQ(number_behind("  rsp "), edge);
}

TEST(push_overflows)
{
    for (int i = 0; i < STACKS; i++) {
        check_edge(push_at_edge, i);
        CHECK_EQ(number_behind("\nrip "), push_itself);
    }
}

TEST(call_overflows)
{
    for (int i = 0; i < STACKS; i++) {
        check_edge(call_at_edge, i);
        CHECK_EQ(number_behind("\nrip "), call_itself);
        CHECK(contains(captured.text, " call_itself+0x0\n"));
    }
}

// Of the frame's five words there is room for less.
TEST(frame_of_an_exception_overflows)
{
    for (int room = 0; room < 5; room++) {
        edge = (uint64_t)stack_bottom + 8 * room;
        check_overflow(captured_report(fault_at_edge), KERNEL_STACK);
        CHECK_EQ(number_behind("  rsp "), edge);
        CHECK(contains(captured.text, " fault_at_edge+0x"));
    }
}

// Recursion

static volatile bool for_ever = true;
static volatile uint64_t depth, returns;

// As many as have made their link: nothing is pushed between the link
// and the call.
static __attribute__((noinline)) void recurse(void)
{
    depth++;
    if (for_ever)
        recurse();
    returns++;
}

static void start_recursion(void)
{
    depth = 0;
    recurse();
}

// The first one returns to start_recursion.
static void check_recursion(const char *text, int which)
{
    char times[40];

    check_overflow(text, which);
    CHECK(depth > 100);
    snprintf(times, sizeof(times), ", %lu times\n", depth - 1);
    CHECK(contains(text, times));
    CHECK(contains(text, " recurse+0x"));
    CHECK(!contains(text, "no way on"));
}

TEST(recursion_is_counted)
{
    check_recursion(captured_report(start_recursion), KERNEL_STACK);
    CHECK(contains(captured.text, " start_recursion+0x"));
    CHECK(contains(captured.text, " kernel_main+0x"));
    CHECK(contains(captured.text, " start_64+0x"));
}

TEST(overflow_is_reported_each_time)
{
    for (int i = 0; i < 5; i++)
        check_recursion(captured_report(start_recursion), KERNEL_STACK);
}

static void recurse_in_handler(struct trap_frame *frame)
{
    (void)frame;
    start_recursion();
}

// From the handler to what it has interrupted. It may be cut.
static void check_way_on(void)
{
    CHECK(contains(captured.text, " recurse_in_handler+0x"));
    CHECK(contains(captured.text, " exception_dispatch+0x"));
    CHECK(contains(captured.text, " isr_common+0x"));
    CHECK(contains(captured.text, " kernel_main+0x") ||
          contains(captured.text, "\n  ... and "));
}

static void raise_breakpoint(void)
{
    breakpoint();
}

TEST(handler_that_recurses_is_reported)
{
    exception_set_handler(EXC_BREAKPOINT, recurse_in_handler);
    check_recursion(captured_report(raise_breakpoint), KERNEL_STACK);
    exception_set_handler(EXC_BREAKPOINT, NULL);
    check_way_on();
}

static void raise_nmi(void)
{
    asm volatile("int $2" : : : "memory");
}

static void raise_machine_check(void)
{
    asm volatile("int $18" : : : "memory");
}

// The way up leads from the stack of the exception to the kernel's.
static void check_other_stack(int vector, void (*raise)(void),
                              int which)
{
    exception_set_handler(vector, recurse_in_handler);
    check_recursion(captured_report(raise), which);
    exception_set_handler(vector, NULL);
    check_way_on();
}

TEST(other_stacks_that_overflow_are_reported)
{
    check_other_stack(EXC_NMI, raise_nmi, NMI_STACK);
    check_other_stack(EXC_MACHINE_CHECK, raise_machine_check,
                      MACHINE_CHECK_STACK);
}

// Two functions that call each other, and are not alike: the compiler
// would make them one

static uint64_t outer;  // calls from start_mutual up

static __attribute__((noinline)) void even(void);

static __attribute__((noinline)) void odd(void)
{
    depth++;
    if (for_ever)
        even();
    returns++;
}

static __attribute__((noinline)) void even(void)
{
    depth++;
    if (for_ever)
        odd();
    returns--;
}

static void start_mutual(void)
{
    const uint64_t *link = __builtin_frame_address(0);

    depth = outer = 0;
    for (; link; link = (const uint64_t *)*link)
        outer++;
    odd();
}

TEST(mutual_recursion_is_cut)
{
    enum { LINES_MAX = 9 };
    char line[40];

    check_overflow(captured_report(start_mutual), KERNEL_STACK);
    CHECK(depth > 100);
    CHECK(contains(captured.text, " odd+0x"));
    CHECK(contains(captured.text, " even+0x"));
    CHECK(!contains(captured.text, " times\n"));
    snprintf(line, sizeof(line), "\n  ... and %lu more\nhalted\n",
             depth + outer - LINES_MAX);
    CHECK(contains(captured.text, line));
}

// Double faults of another kind

static void raise_page_fault(void)
{
    gate_of(EXC_PAGE_FAULT)[GATE_TYPE] &= ~GATE_PRESENT;
    *(volatile char *volatile)NULL;
}

static void raise_divide_error(void)
{
    gate_of(EXC_DIVIDE_ERROR)[GATE_TYPE] &= ~GATE_PRESENT;
    asm volatile("div %b0" : : "c"(0) : "ax", "cc");
}

static void set_cr2(uint64_t address)
{
    asm volatile("mov %0, %%cr2" : : "r"(address));
}

// The address is that of no guard, and may be old.
TEST(other_double_faults_have_no_cr2)
{
    CHECK_BEGINS(captured_report(raise_page_fault), TITLE "rax ");
    set_cr2((uint64_t)stack_bottom);
    CHECK_BEGINS(captured_report(raise_divide_error), TITLE "rax ");
    set_cr2(1ul << 62);
    CHECK_BEGINS(captured_report(raise_divide_error), TITLE "rax ");
    idt_init();
}

// How much of the stack a report takes

TEST(stack_of_the_report_is_large_enough)
{
    enum { PATTERN = 0xa5, SPARE = 1024 };
    uint8_t *bottom = (uint8_t *)double_fault_stack_bottom;
    size_t unused   = 0;

    memset(bottom, PATTERN,
           double_fault_stack_top - double_fault_stack_bottom);
    check_recursion(captured_report(start_recursion), KERNEL_STACK);
    while (bottom + unused < (uint8_t *)double_fault_stack_top &&
           bottom[unused] == PATTERN)
        unused++;
    CHECK(unused >= SPARE);
}

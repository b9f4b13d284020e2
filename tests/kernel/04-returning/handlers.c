// handlers.c: exceptions that are handled, and the program goes on.

#include "03-exceptions/captured.h"

#include "03-exceptions/live.h"
#include "cpu.h"
#include "exceptions.h"
#include "probe.h"

static struct trap_frame seen;
static volatile int count;  // of calls of a handler

static void count_calls(struct trap_frame *frame)
{
    seen = *frame;
    count++;
}

static void int3(void)
{
    asm volatile("int3");
}

TEST(trap_resumes_behind_its_instruction)
{
    const uint8_t *behind;

    idt_init();
    count = 0;
    exception_set_handler(EXC_BREAKPOINT, count_calls);
    for (int i = 0; i < 1000; i++)
        int3();
    exception_set_handler(EXC_BREAKPOINT, NULL);
    behind = (const uint8_t *)seen.rip;
    CHECK_EQ(count, 1000);
    CHECK_EQ(behind[-1], 0xcc);
}

static volatile uint64_t page[512] __attribute__((aligned(4096)));

static void map_page(struct trap_frame *frame)
{
    count_calls(frame);
    CHECK_EQ(read_cr2(), (uint64_t)&page[5]);
    *live_entry((uint64_t)page) |= LIVE_PRESENT;
}

static void unmap_page(void)
{
    *live_entry((uint64_t)page) &= ~(uint64_t)LIVE_PRESENT;
    live_forget((uint64_t)page);
}

TEST(fault_is_retried)
{
    idt_init();
    exception_set_handler(EXC_PAGE_FAULT, map_page);
    page[5] = 55;
    count   = 0;
    unmap_page();
    CHECK_EQ(page[5], 55);
    CHECK_EQ(count, 1);
    unmap_page();
    page[5] = 56;
    CHECK_EQ(count, 2);
    CHECK_EQ(seen.error_code, 2);
    CHECK_EQ(page[5], 56);
    exception_set_handler(EXC_PAGE_FAULT, NULL);
}

// Cures by another register instead.
static void divide_by_seven(struct trap_frame *frame)
{
    frame->rcx = 7;
}

TEST(fault_is_retried_with_another_register)
{
    uint32_t quotient = 42, remainder = 0, divisor = 0;

    idt_init();
    exception_set_handler(EXC_DIVIDE_ERROR, divide_by_seven);
    asm volatile("divl %%ecx"
                 : "+a"(quotient), "+d"(remainder), "+c"(divisor)
                 :
                 : "cc");
    exception_set_handler(EXC_DIVIDE_ERROR, NULL);
    CHECK_EQ(quotient, 6);
    CHECK_EQ(divisor, 7);
}

static void skip_two_bytes(struct trap_frame *frame)
{
    frame->rip += 2;
}

TEST(instruction_can_be_skipped)
{
    idt_init();
    exception_set_handler(EXC_INVALID_OPCODE, skip_two_bytes);
    asm volatile("ud2");
    exception_set_handler(EXC_INVALID_OPCODE, NULL);
}

TEST(handler_can_be_taken_away)
{
    idt_init();
    exception_set_handler(EXC_BREAKPOINT, count_calls);
    exception_set_handler(EXC_BREAKPOINT, NULL);
    CHECK_BEGINS(captured_report(int3), "\n#BP breakpoint, vector 3\n");
}

TEST(handler_can_decline)
{
    idt_init();
    exception_set_handler(EXC_BREAKPOINT, exception_unhandled);
    CHECK_BEGINS(captured_report(int3), "\n#BP breakpoint, vector 3\n");
    exception_set_handler(EXC_BREAKPOINT, NULL);
}

TEST(each_vector_has_a_handler_of_its_own)
{
    idt_init();
    count = 0;
    exception_set_handler(77, count_calls);
    CHECK_BEGINS(captured_report(int3), "\n#BP breakpoint, vector 3\n");
    asm volatile("int $77");
    CHECK_EQ(count, 1);
    CHECK_EQ(seen.vector, 77);
    exception_set_handler(77, NULL);
}

// Nesting

enum { DEPTH = 20 };

static struct trap_frame *frames[DEPTH];

static void nest(struct trap_frame *frame)
{
    frames[count] = frame;
    frame->rax    = count++;
    if (count < DEPTH)
        int3();
}

TEST(exceptions_nest)
{
    uint64_t rax = 1000;

    idt_init();
    count = 0;
    exception_set_handler(EXC_BREAKPOINT, nest);
    asm volatile("int3" : "+a"(rax) : : "memory");
    exception_set_handler(EXC_BREAKPOINT, NULL);
    CHECK_EQ(count, DEPTH);
    CHECK_EQ(rax, 0);
    for (int i = 1; i < DEPTH; i++)
        CHECK(frames[i] + 1 <= frames[i - 1]);
}

// A page fault and its probes in the middle of a page fault.
static void probe_and_map(struct trap_frame *frame)
{
    uint64_t address = read_cr2(), value;

    if (address != (uint64_t)&page[5]) {
        exception_unhandled(frame);
        return;
    }
    CHECK(!probe_read(NULL, &value));
    CHECK(!probe_read((const void *)(1ul << 63), &value));
    *live_entry((uint64_t)page) |= LIVE_PRESENT;
    count++;
}

TEST(handler_may_raise_what_it_handles)
{
    idt_init();
    exception_set_handler(EXC_PAGE_FAULT, probe_and_map);
    page[5] = 99;
    count   = 0;
    unmap_page();
    CHECK_EQ(page[5], 99);
    CHECK_EQ(count, 1);
    exception_set_handler(EXC_PAGE_FAULT, NULL);
}

// The exception table

static struct trap_frame at_probe;

static void unhandled_at_probe(void)
{
    exception_unhandled(&at_probe);
}

static bool is_fixed_up(int vector)
{
    at_probe = (struct trap_frame){
        .vector = vector,
        .rip    = (uint64_t)probe_read,
    };
    return !captured_report(unhandled_at_probe) &&
           at_probe.rip != (uint64_t)probe_read;
}

// Others may hit the same instruction by chance.
TEST(only_failed_accesses_are_fixed_up)
{
    for (int v = 0; v < VECTORS; v++)
        CHECK_EQ(is_fixed_up(v), v == EXC_PAGE_FAULT ||
                                     v == EXC_GENERAL_PROTECTION ||
                                     v == EXC_STACK_SEGMENT);
}

static void read_null(void)
{
    *(volatile char *volatile)NULL;
}

TEST(other_accesses_are_not_fixed_up)
{
    CHECK_BEGINS(captured_report(read_null),
                 "\n#PF page fault, vector 14\n");
}

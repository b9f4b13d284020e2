// ist.c: which stack an exception arrives on.

#include "stacks.h"

#include "03-exceptions/live.h"
#include "exceptions.h"
#include "idt.h"
#include "task.h"

// By the names of the assembly below.
uint64_t bad_stack, kept_stack, int_to_raise;

void raise_on_bad_stack(void), raise_page_fault(void);
extern const char int_and_return[], behind_page_fault[];

// clang-format off
asm(".pushsection .text\n"
    // For each vector 4 bytes: int and ret.
    "int_and_return:\n"
    ".set int_vector, 0\n"
    ".rept 256\n"
    ".byte 0xcd, int_vector, 0xc3, 0x90\n"
    ".set int_vector, int_vector + 1\n"
    ".endr\n"

    // With the stack pointer at bad_stack; int_to_raise is 2, 8 or 18.
    "raise_on_bad_stack:\n"
    "mov %rsp, kept_stack(%rip)\n"
    "cmpq $8, int_to_raise(%rip)\n"
    "mov bad_stack(%rip), %rsp\n"
    "jb 1f\n"
    "ja 2f\n"
    "int $8\n"
    "jmp 3f\n"
    "1: int $2\n"
    "jmp 3f\n"
    "2: int $18\n"
    "3: mov kept_stack(%rip), %rsp\n"
    "ret\n"

    "raise_page_fault:\n"
    "movb $1, 16\n"
    "behind_page_fault: ret\n"
    ".popsection\n");
// clang-format on

static const struct {
    int vector, stack;
} own[] = {
    {EXC_DOUBLE_FAULT, DOUBLE_FAULT_STACK},
    {EXC_NMI, NMI_STACK},
    {EXC_MACHINE_CHECK, MACHINE_CHECK_STACK},
};

enum { OWN = sizeof(own) / sizeof(own[0]) };

static int stack_for(int vector)
{
    for (int i = 0; i < OWN; i++)
        if (own[i].vector == vector)
            return own[i].stack;
    return KERNEL_STACK;
}

TEST(three_gates_name_a_stack)
{
    idt_init();
    for (int v = 0; v < VECTORS; v++) {
        int number = gate_of(v)[GATE_STACK];

        CHECK_EQ(number != 0, stack_for(v) != KERNEL_STACK);
        if (number != 0)
            CHECK_EQ(stack_at(ist_entry(number) - 1), stack_for(v));
    }
}

// Arrivals by int, which pushes no error code

static struct trap_frame seen;
static uint64_t seen_at;  // where the frame was

static bool pushes_error_code(int v)
{
    return v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21 ||
           v == 29 || v == 30;
}

// The stub took rip for the error code, and all else a word too low.
static void mend(struct trap_frame *frame)
{
    frame->ss         = frame->rsp;
    frame->rsp        = frame->rflags;
    frame->rflags     = frame->cs;
    frame->cs         = frame->rip;
    frame->rip        = frame->error_code;
    frame->error_code = 0;
}

static void note(struct trap_frame *frame)
{
    if (pushes_error_code(frame->vector))
        mend(frame);
    seen    = *frame;
    seen_at = (uint64_t)frame;
}

static void raise_int(int vector)
{
    void (*raise)(void) = (void (*)(void))(int_and_return + 4 * vector);

    raise();
}

static void raise_noted(int vector)
{
    seen = (struct trap_frame){0};
    exception_set_handler(vector, note);
    raise_int(vector);
    exception_set_handler(vector, NULL);
}

TEST(each_vector_arrives_on_its_stack_and_returns)
{
    idt_init();
    for (int v = 0; v < VECTORS; v++) {
        raise_noted(v);
        CHECK_EQ(seen.vector, v);
        CHECK_EQ(seen.rip, int_and_return + 4 * v + 2);
        CHECK_EQ(stack_at(seen_at), stack_for(v));
        CHECK_EQ(stack_at(seen.rsp), KERNEL_STACK);
    }
}

// And not one exception lower each time.
TEST(each_arrival_is_at_the_top)
{
    idt_init();
    for (int i = 0; i < OWN; i++) {
        uint64_t top = (uint64_t)stacks[own[i].stack].top;

        raise_noted(own[i].vector);
        CHECK(top - seen_at <= sizeof(seen) + 64);
        CHECK(top - seen_at >= sizeof(seen));
    }
}

// Arrivals with a stack pointer that points to no stack

static void check_on_bad_stack(int vector, uint64_t pointer)
{
    seen         = (struct trap_frame){0};
    bad_stack    = pointer;
    int_to_raise = vector;
    exception_set_handler(vector, note);
    raise_on_bad_stack();
    exception_set_handler(vector, NULL);
    CHECK_EQ(seen.vector, vector);
    CHECK_EQ(seen.rsp, pointer);
    CHECK_EQ(stack_at(seen_at), stack_for(vector));
}

TEST(stack_pointer_may_be_anything)
{
    idt_init();
    for (int i = 0; i < OWN; i++) {
        check_on_bad_stack(own[i].vector, 0);
        check_on_bad_stack(own[i].vector, 0x13);
        check_on_bad_stack(own[i].vector, 1ul << 63);
        check_on_bad_stack(own[i].vector, (uint64_t)stack_guard + 64);
        check_on_bad_stack(own[i].vector, (uint64_t)stack_bottom);
        check_on_bad_stack(own[i].vector, (uint64_t)own);
    }
}

// One exception in the handler of another

static uint64_t frames[3];
static volatile int count;

static void nest(struct trap_frame *frame)
{
    if (pushes_error_code(frame->vector))
        mend(frame);
    frames[count++] = (uint64_t)frame;
    if (count < OWN)
        raise_int(own[count].vector);
}

TEST(each_may_interrupt_the_others)
{
    idt_init();
    count = 0;
    for (int i = 0; i < OWN; i++)
        exception_set_handler(own[i].vector, nest);
    raise_int(own[0].vector);
    for (int i = 0; i < OWN; i++)
        exception_set_handler(own[i].vector, NULL);
    CHECK_EQ(count, OWN);
    for (int i = 0; i < OWN; i++)
        CHECK_EQ(stack_at(frames[i]), own[i].stack);
}

static volatile uint64_t page[512] __attribute__((aligned(4096)));

static void map_page(struct trap_frame *frame)
{
    frames[count++] = (uint64_t)frame;
    *live_entry((uint64_t)page) |= LIVE_PRESENT;
}

static void touch_page(struct trap_frame *frame)
{
    if (pushes_error_code(frame->vector))
        mend(frame);
    frames[count++] = (uint64_t)frame;
    page[5]++;
}

static void fault_in_handler_of(int vector, int stack)
{
    count   = 0;
    page[5] = 5;
    *live_entry((uint64_t)page) &= ~(uint64_t)LIVE_PRESENT;
    live_forget((uint64_t)page);
    exception_set_handler(vector, touch_page);
    exception_set_handler(EXC_PAGE_FAULT, map_page);
    raise_int(vector);
    exception_set_handler(EXC_PAGE_FAULT, NULL);
    exception_set_handler(vector, NULL);
    CHECK_EQ(count, 2);
    CHECK_EQ(page[5], 6);
    CHECK_EQ(stack_at(frames[0]), stack);
    CHECK_EQ(stack_at(frames[1]), stack);
    CHECK(frames[1] + sizeof(struct trap_frame) <= frames[0]);
}

TEST(page_fault_stays_on_the_stack_of_the_handler)
{
    idt_init();
    for (int i = 0; i < OWN; i++)
        fault_in_handler_of(own[i].vector, own[i].stack);
    fault_in_handler_of(EXC_BREAKPOINT, KERNEL_STACK);
}

// A double fault as the CPU raises it, with an error code

static void skip_page_fault(struct trap_frame *frame)
{
    seen       = *frame;
    seen_at    = (uint64_t)frame;
    frame->rip = (uint64_t)behind_page_fault;
}

TEST(double_fault_arrives_on_its_stack)
{
    idt_init();
    gate_of(EXC_PAGE_FAULT)[GATE_TYPE] &= ~GATE_PRESENT;
    exception_set_handler(EXC_DOUBLE_FAULT, skip_page_fault);
    raise_page_fault();
    exception_set_handler(EXC_DOUBLE_FAULT, NULL);
    idt_init();
    CHECK_EQ(seen.vector, EXC_DOUBLE_FAULT);
    CHECK_EQ(seen.error_code, 0);
    CHECK_EQ(seen.rip, raise_page_fault);
    CHECK_EQ(stack_at(seen_at), DOUBLE_FAULT_STACK);
    CHECK_EQ(stack_at(seen.rsp), KERNEL_STACK);
}

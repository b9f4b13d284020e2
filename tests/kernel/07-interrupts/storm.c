// storm.c: many thousand interrupts, and the interrupted program does
// not notice one. First a loop that keeps a pattern in every register,
// then programs whose results are known.

#include "lines.h"

#include "printf.h"
#include "string.h"

enum {
    GENERAL = 15,    // in the order of struct trap_frame
    COUNT   = 80,    // of the timer: 15,000 interrupts in a second
    STORM   = 1500,  // of the loop
    SHORTER = 500,   // of the programs

    FLAGS_FIXED  = 0x2,
    FLAGS_STATUS = 0x8d5,  // CF, PF, AF, ZF, SF and OF
    FLAGS_DF     = 0x400,
    FLAGS_AC     = 0x40000,  // is nothing but a bit in ring 0
};

// By the names of the assembly below.
struct {
    uint64_t general[GENERAL];
    uint64_t flags, stack;
} storm_before, storm_after;

uint64_t storm_kept_stack;

void storm_weather(void);
extern const char storm_loop[], storm_loop_end[], storm_landing[];

// clang-format off
asm(".pushsection .text\n"
    ".intel_syntax noprefix\n"
    "storm_weather:\n"
    "push rbp\n"
    "push rbx\n"
    "push r12\n"
    "push r13\n"
    "push r14\n"
    "push r15\n"
    "mov [rip + storm_kept_stack], rsp\n"
    "push qword ptr [rip + storm_before + 120]\n"
    "popfq\n"                 // interrupts are enabled from here on
    "mov rsp, [rip + storm_before + 128]\n"
    "mov rax, [rip + storm_before]\n"
    "mov rbx, [rip + storm_before + 8]\n"
    "mov rcx, [rip + storm_before + 16]\n"
    "mov rdx, [rip + storm_before + 24]\n"
    "mov rsi, [rip + storm_before + 32]\n"
    "mov rdi, [rip + storm_before + 40]\n"
    "mov rbp, [rip + storm_before + 48]\n"
    ".irp n, 8, 9, 10, 11, 12, 13, 14, 15\n"
    "mov r\\n, [rip + storm_before + 8 * \\n - 8]\n"
    ".endr\n"

    // Changes nothing but for a moment: two registers, and what is
    // below the stack pointer.
    "storm_loop:\n"
    "xchg rax, rbx\n"
    "xchg rax, rbx\n"
    "push rbp\n"
    "pop rbp\n"
    "nop\n"
    "jmp storm_loop\n"
    "storm_loop_end:\n"

    // Here the last one leads.
    "storm_landing:\n"
    "mov [rip + storm_after], rax\n"
    "mov [rip + storm_after + 8], rbx\n"
    "mov [rip + storm_after + 16], rcx\n"
    "mov [rip + storm_after + 24], rdx\n"
    "mov [rip + storm_after + 32], rsi\n"
    "mov [rip + storm_after + 40], rdi\n"
    "mov [rip + storm_after + 48], rbp\n"
    ".irp n, 8, 9, 10, 11, 12, 13, 14, 15\n"
    "mov [rip + storm_after + 8 * \\n - 8], r\\n\n"
    ".endr\n"
    "mov [rip + storm_after + 128], rsp\n"
    "mov rsp, [rip + storm_kept_stack]\n"
    "pushfq\n"
    "pop qword ptr [rip + storm_after + 120]\n"
    "cli\n"
    "cld\n"
    "pop r15\n"
    "pop r14\n"
    "pop r13\n"
    "pop r12\n"
    "pop rbx\n"
    "pop rbp\n"
    "ret\n"
    ".att_syntax prefix\n"
    ".popsection\n");
// clang-format on

static __attribute__((aligned(16))) uint8_t stack[16384];

static volatile int interrupts;

// No two of them, and no two bytes of one, are the same.
static uint64_t pattern(int number)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | ((number * 8 + i) & 0xff);
    return value;
}

// At the start of the loop the registers hold their patterns, in the
// middle two of them are exchanged.
static bool is_exchanged(const struct trap_frame *frame)
{
    return frame->rax == storm_before.general[1] &&
           frame->rbx == storm_before.general[0];
}

static void check_frame(const struct trap_frame *frame)
{
    const uint64_t *general = &frame->rax;

    for (int i = is_exchanged(frame) ? 2 : 0; i < GENERAL; i++)
        CHECK_EQ(general[i], storm_before.general[i]);
    CHECK_EQ(frame->rflags, storm_before.flags);
    CHECK(frame->rsp == storm_before.stack ||
          frame->rsp == storm_before.stack - 8);
    CHECK_EQ(frame->vector, IRQ_VECTOR + IRQ_TIMER);
    CHECK_EQ(frame->error_code, 0);
}

static bool is_in_loop(const struct trap_frame *frame)
{
    return frame->rip >= (uint64_t)storm_loop &&
           frame->rip < (uint64_t)storm_loop_end;
}

// The last one comes at the start of the loop, where nothing is
// exchanged or pushed.
static void weather(struct trap_frame *frame)
{
    uint64_t flags;

    asm volatile("pushfq; pop %0; cld" : "=r"(flags) : : "cc");
    CHECK(!(flags & FLAGS_DF));
    if (!is_in_loop(frame))
        return;
    interrupts++;
    check_frame(frame);
    if (interrupts >= STORM && frame->rip == (uint64_t)storm_loop)
        frame->rip = (uint64_t)storm_landing;
}

static void check_after(void)
{
    for (int i = 0; i < GENERAL; i++)
        CHECK_EQ(storm_after.general[i], storm_before.general[i]);
    CHECK_EQ(storm_after.flags, storm_before.flags);
    CHECK_EQ(storm_after.stack, storm_before.stack);
}

static void start(exception_handler *handler)
{
    quiet();
    interrupts = 0;
    interrupt_set_handler(IRQ_TIMER, handler);
    start_pit(PERIODIC, COUNT);
}

static void storm(uint64_t flags, uint64_t misalignment)
{
    uint64_t count = interrupt_count(IRQ_TIMER);

    for (int i = 0; i < GENERAL; i++)
        storm_before.general[i] = pattern(i);
    storm_before.flags = flags | FLAGS_FIXED | RFLAGS_IF;
    storm_before.stack =
        (uint64_t)stack + sizeof(stack) / 2 - misalignment;
    start(weather);
    storm_weather();
    quiet();
    check_after();
    CHECK(interrupt_count(IRQ_TIMER) - count >= STORM);
}

TEST(no_register_changes_in_a_storm)
{
    storm(0, 0);
    storm(FLAGS_STATUS | FLAGS_DF | FLAGS_AC, 8);
}

// Programs

static void count_only(struct trap_frame *frame)
{
    (void)frame;
    interrupts++;
}

static uint8_t from[4096], to[4096];

// A copy is interrupted in its middle, and goes on in its direction.
static void copy_backwards(void)
{
    const uint8_t *source = from + sizeof(from) - 1;
    uint8_t *target       = to + sizeof(to) - 1;
    size_t size           = sizeof(from);

    asm volatile("std; rep movsb; cld"
                 : "+S"(source), "+D"(target), "+c"(size)
                 :
                 : "memory", "cc");
    CHECK_EQ(source, (uint64_t)from - 1);
    CHECK_EQ(target, (uint64_t)to - 1);
}

TEST(copies_are_right_in_a_storm)
{
    start(count_only);
    sti();
    for (int i = 0; interrupts < SHORTER; i++) {
        memset(from, i, sizeof(from));
        from[i % sizeof(from)]++;
        memset(to, 0, sizeof(to));
        if (i % 2)
            copy_backwards();
        else
            memcpy(to, from, sizeof(to));
        CHECK(memcmp(from, to, sizeof(to)) == 0);
    }
    quiet();
}

static uint64_t fibonacci(int n)
{
    return n < 2 ? (uint64_t)n : fibonacci(n - 1) + fibonacci(n - 2);
}

TEST(calculations_are_right_in_a_storm)
{
    char text[64];

    start(count_only);
    sti();
    while (interrupts < SHORTER) {
        CHECK_EQ(fibonacci(18), 2584);
        snprintf(text, sizeof(text), "%ld %x %s", -1234567890123,
                 0xbeef, "storm");
        CHECK_TEXT(text, "-1234567890123 beef storm");
    }
    quiet();
}

static volatile uint64_t breakpoints;

static void count_breakpoint(struct trap_frame *frame)
{
    breakpoints++;
    frame->rax = ~frame->rax;
}

TEST(exceptions_are_right_in_a_storm)
{
    uint64_t raised = 0;

    start(count_only);
    breakpoints = 0;
    exception_set_handler(EXC_BREAKPOINT, count_breakpoint);
    sti();
    while (interrupts < SHORTER) {
        uint64_t value = raised;

        asm volatile("int3" : "+a"(value) : : "memory");
        CHECK_EQ(value, ~raised);
        raised++;
    }
    quiet();
    exception_set_handler(EXC_BREAKPOINT, NULL);
    CHECK_EQ(breakpoints, raised);
}

// Nothing stays behind on the stack.
TEST(stack_does_not_grow_in_a_storm)
{
    uint64_t first, last;

    asm volatile("mov %%rsp, %0" : "=r"(first));
    start(count_only);
    sti();
    while (interrupts < SHORTER)
        ;
    quiet();
    asm volatile("mov %%rsp, %0" : "=r"(last));
    CHECK_EQ(first, last);
    CHECK_EQ(in_service(), 0);
}

// check.c: NMIs that come while another one is handled, at each moment
// at which they can. The local APIC sends them.

#include "ktap.h"

#include <stddef.h>

#include "cpu.h"
#include "exceptions.h"
#include "idt.h"
#include "page_fault.h"
#include "paging.h"
#include "probe.h"
#include "string.h"

// Mapped where an instruction reaches it without a register. Intel SDM
// volume 3A, "Local APIC" and "Interrupt Command Register".
#define APIC        0xfee00000ul
#define APIC_MAPPED (KERNEL_BASE + (1ul << 30))

enum {
    APIC_ID      = 0x20,
    APIC_COMMAND = 0x300,
    APIC_TARGET  = 0x310,
    SEND_NMI     = 0x4400,
};

enum {
    GENERAL   = 15,  // in the order of struct trap_frame
    WAIT      = 500,
    TOLD_MOST = 20,  // more are an endless loop
    WAY_MOST  = 400,
    RFLAGS_RF = 1 << 16,
};

// By the assembly: the general registers and rsp.
uint64_t before[GENERAL + 1], after[GENERAL + 1];
uint64_t kept_rsp, rounds;

// A program with a number of its own in each register, which sends an
// NMI and waits a while.
void interrupted(void);

asm(".pushsection .text\n"
    ".macro each_register\n"
    ".set at, 0\n"
    ".irp r, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11\n"
    "move \\r\n"
    ".endr\n"
    ".irp r, r12, r13, r14, r15, rsp\n"
    "move \\r\n"
    ".endr\n"
    ".endm\n"

    "interrupted:\n"
    ".irp r, rbp, rbx, r12, r13, r14, r15\n"
    "push %\\r\n"
    ".endr\n"
    "mov %rsp, kept_rsp(%rip)\n"
    ".macro move r\n"
    "mov before + at(%rip), %\\r\n"
    ".set at, at + 8\n"
    ".endm\n"
    "each_register\n"
    "movl $0x4400, 0xffffffffc0000300\n"  // SEND_NMI, APIC_COMMAND
    "1: decq rounds(%rip)\n"
    "jnz 1b\n"
    ".purgem move\n"
    ".macro move r\n"
    "mov %\\r, after + at(%rip)\n"
    ".set at, at + 8\n"
    ".endm\n"
    "each_register\n"
    "mov kept_rsp(%rip), %rsp\n"
    ".irp r, r15, r14, r13, r12, rbx, rbp\n"
    "pop %\\r\n"
    ".endr\n"
    "ret\n"
    ".popsection\n");

static uint8_t stack[4096] __attribute__((aligned(16)));

static int told;              // NMIs, to the handler
static void (*during)(void);  // of the first one
static bool harmed;           // its trap frame has changed
static void *place[5];        // where to go on if all is lost

static volatile uint32_t *apic(int offset)
{
    return (volatile uint32_t *)(APIC_MAPPED + offset);
}

static void send_nmi(void)
{
    *apic(APIC_COMMAND) = SEND_NMI;
}

static void spin(void)
{
    for (volatile int i = 0; i < WAIT; i++)
        ;
}

static void handle_nmi(struct trap_frame *frame)
{
    struct trap_frame was = *frame;

    told++;
    if (told == 1 && during)
        during();
    harmed |= memcmp(frame, &was, sizeof(was)) != 0;
    if (harmed || told > TOLD_MOST)
        __builtin_longjmp(place, 1);
}

static void do_nothing(struct trap_frame *frame)
{
    (void)frame;
}

static void begin(void)
{
    static bool mapped;

    idt_init();
    page_fault_init();
    if (!mapped)
        page_map(&kernel_space, APIC_MAPPED, APIC,
                 PAGE_WRITABLE | PAGE_NO_EXECUTE);
    mapped             = true;
    *apic(APIC_TARGET) = *apic(APIC_ID);
    exception_set_handler(EXC_NMI, handle_nmi);
    exception_set_handler(EXC_BREAKPOINT, do_nothing);
    for (int i = 0; i < GENERAL; i++)
        before[i] = 0x0123456789abcdef * (i + 1);
    before[GENERAL] = (uint64_t)stack + sizeof(stack);
}

// The program, with an NMI. False: it has not come to its end.
static __attribute__((noinline)) bool run(void)
{
    rounds = WAIT;
    told   = 0;
    harmed = false;
    memset(after, 0, sizeof(after));
    if (__builtin_setjmp(place) == 0) {
        interrupted();
        return true;
    }
    breakpoint();  // NMIs are let in again
    return false;
}

static bool is_unharmed(void)
{
    return memcmp(after, before, sizeof(after)) == 0;
}

// There may be fewer than were sent, since one may stand for several.
static bool check_run(int least, int most)
{
    bool ended = run();
    bool good  = CHECK(!harmed);

    good &= CHECK(ended && is_unharmed());
    return CHECK(told >= least && told <= most) && good;
}

TEST(nmi_is_handled)
{
    begin();
    during = NULL;
    check_run(1, 1);
    check_run(1, 1);
}

static void change_rbx(struct trap_frame *frame)
{
    frame->rbx = 42;
}

TEST(program_goes_on_as_the_frame_says)
{
    begin();
    exception_set_handler(EXC_NMI, change_rbx);
    CHECK(run());
    CHECK_EQ(after[1], 42);
    after[1] = before[1];
    CHECK(is_unharmed());
}

TEST(nmi_is_held_back)
{
    begin();
    during = send_nmi;
    check_run(2, 2);
}

static void raise_breakpoint(void)
{
    breakpoint();
    spin();
}

static void breakpoint_and_nmi(void)
{
    breakpoint();
    send_nmi();
    spin();
}

static void nmi_and_breakpoint(void)
{
    send_nmi();
    spin();
    breakpoint();
    spin();
}

TEST(breakpoint_in_the_handler)
{
    begin();
    during = raise_breakpoint;
    check_run(1, 1);
    during = breakpoint_and_nmi;
    check_run(2, 2);
    during = nmi_and_breakpoint;
    check_run(2, 2);
}

static void fail_to_read(void)
{
    uint64_t value;

    CHECK(!probe_read(NULL, &value));
    send_nmi();
    spin();
}

static void touch_new_page(void)
{
    static virt_addr page = DEMAND_ZERO + LARGE_PAGE_SIZE;

    CHECK_EQ(*(volatile uint64_t *)page, 0);
    page += PAGE_SIZE;
    send_nmi();
    spin();
}

TEST(page_faults_in_the_handler)
{
    begin();
    during = fail_to_read;
    check_run(2, 2);
    during = touch_new_page;
    check_run(2, 2);
}

static void several(void)
{
    for (int i = 0; i < 4; i++)
        breakpoint_and_nmi();
}

TEST(several_in_one_handler)
{
    begin();
    during = several;
    check_run(2, 5);
    check_run(2, 5);
}

// What the last one did not leave behind.
TEST(one_after_the_other)
{
    begin();
    during = breakpoint_and_nmi;
    for (int i = 0; i < 100; i++)
        check_run(2, 2);
    during = NULL;
    check_run(1, 1);
}

// An NMI may come when there is no stack to speak of.
TEST(program_without_a_stack)
{
    const uint64_t stacks[] = {0, 8, 1ul << 63, -1ul, 0x1234567};

    begin();
    during = breakpoint_and_nmi;
    for (int i = 0; i < 5; i++) {
        before[GENERAL] = stacks[i];
        check_run(2, 2);
    }
}

// The instructions from the end of the handler to the program, found
// step by step.
static uint64_t way[WAY_MOST];
static int steps;

static void note_step(struct trap_frame *frame)
{
    for (int i = 0; i < steps; i++)
        if (way[i] == frame->rip)
            return;
    if (steps < WAY_MOST)
        way[steps++] = frame->rip;
}

static void start_tracing(void)
{
    write_rflags(read_rflags() | RFLAGS_TF);
}

static bool find_way(void)
{
    steps  = 0;
    during = start_tracing;
    exception_set_handler(EXC_DEBUG, note_step);
    return check_run(1, 1) && CHECK(steps < WAY_MOST);
}

static void write_dr7(uint64_t value)
{
    asm volatile("mov %0, %%dr7" : : "r"(value) : "memory");
}

// Before the instruction at an address is executed there is a #DB.
static uint64_t stop_at;
static int stops;

static void set_stop(void)
{
    asm volatile("mov %0, %%dr0" : : "r"(stop_at));
    write_dr7(1);
}

// The CPU holds back the NMI until iretq, which leads to that very
// instruction.
static void stop(struct trap_frame *frame)
{
    stops++;
    write_dr7(0);
    frame->rflags |= RFLAGS_RF;
    send_nmi();
}

// There is no stop where only start_tracing has been. Where it goes
// wrong, it may go round for ever: the simple case comes first.
TEST(nmi_at_every_instruction_of_the_way_back)
{
    int all = 0;

    begin();
    during = breakpoint_and_nmi;
    if (!check_run(2, 2) || !find_way())
        return;
    exception_set_handler(EXC_DEBUG, stop);
    during = set_stop;
    for (int i = 0; i < steps; i++) {
        stop_at = way[i];
        stops   = 0;
        check_run(1, 2);
        write_dr7(0);
        CHECK_EQ(told, 1 + stops);
        all += stops;
    }
    CHECK(all > GENERAL);
}

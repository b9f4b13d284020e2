// patterns.c: threads that never wait, and whose registers hold
// patterns, whatever comes in between.
//
// Each round fills all registers and flags, waits for a while and
// compares. The first thread prints a dot from time to time, as long as
// all is as it was: the host sees that the others go on.

#include "../../panics/open.h"

#include <stddef.h>

#include "cpu.h"
#include "idt.h"
#include "interrupts.h"
#include "nmi.h"
#include "printf.h"
#include "threads.h"
#include "timer.h"

enum { THREADS = 3 };

static volatile uint64_t rounds[THREADS];
static volatile bool changed;

// The assembly below.
bool pattern_round(uint64_t seed);

// The flags are IF and AC, OF, DF, SF, ZF, AF, PF, CF.
// clang-format off
asm(".pushsection .text\n"
    ".intel_syntax noprefix\n"
    ".macro each_register do\n"
    ".set number, 1\n"
    ".irp r, rax, rbx, rdx, rsi, rbp, "
    "r8, r9, r10, r11, r12, r13, r14, r15, rdi\n"
    "\\do \\r\n"
    ".set number, number + 1\n"
    ".endr\n"
    ".endm\n"

    ".macro fill_register r\n"
    "lea \\r, [rdi + number]\n"
    ".endm\n"

    ".macro compare_register r\n"
    "lea rcx, [\\r - number]\n"
    "cmp rcx, [rsp]\n"
    "jne pattern_changed\n"
    ".endm\n"

    "pattern_round:\n"
    ".irp r, rbp, rbx, r12, r13, r14, r15, rdi\n"
    "push \\r\n"
    ".endr\n"
    "each_register fill_register\n"
    "mov ecx, 1000\n"  // counts down, and is free then
    "push 0x40ed7\n"
    "popfq\n"
    "pattern_wait:\n"
    "lea ecx, [rcx - 1]\n"  // changes no flags
    "jrcxz pattern_waited\n"
    "jmp pattern_wait\n"
    "pattern_waited:\n"
    "pushfq\n"
    "pop rcx\n"
    "cld\n"
    "cmp rcx, 0x40ed7\n"
    "jne pattern_changed\n"
    "each_register compare_register\n"
    "mov eax, 1\n"
    "jmp pattern_end\n"
    "pattern_changed:\n"
    "xor eax, eax\n"
    "pattern_end:\n"
    "pop rdi\n"
    ".irp r, r15, r14, r13, r12, rbx, rbp\n"
    "pop \\r\n"
    ".endr\n"
    "ret\n"
    ".att_syntax prefix\n"
    ".popsection\n");
// clang-format on

static void hold(void *argument)
{
    uint64_t which = (uint64_t)argument;

    while (pattern_round(0x0123456789abcdef * (which + 1)))
        rounds[which]++;
    changed = true;
}

static bool has_gone_on(int which, uint64_t before)
{
    while (rounds[which] == before && !changed)
        timer_wait(10);
    return !changed;
}

static bool all_go_on(void)
{
    for (int i = 0; i < THREADS; i++)
        if (!has_gone_on(i, rounds[i]))
            return false;
    return true;
}

TEST(reports)
{
    open_console();
    idt_init();
    nmi_init();
    interrupts_init();
    timer_init();
    sti();
    for (uint64_t i = 0; i < THREADS; i++)
        thread_create("pattern", PRIORITY_LOW, hold, (void *)i);
    printf("patterns\n");
    while (all_go_on())
        printf(".");
    printf("changed\n");
}

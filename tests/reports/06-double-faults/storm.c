// storm.c: registers hold patterns for ever, whatever interrupts.
//
// Each round loads all registers and flags, waits for a while and
// compares. After some rounds a dot is printed: the host sees that the
// program goes on. What is not as it was ends it.

#include "../../panics/open.h"

#include "idt.h"
#include "machine_check.h"
#include "nmi.h"
#include "printf.h"

enum {
    ROUNDS    = 2000,
    FLAGS_NO  = 0x2,
    FLAGS_YES = 0x40cd7,  // AC, OF, DF, SF, ZF, AF, PF, CF
};

// By the names of the assembly below.
uint64_t storm_flags, storm_stack;
bool storm_round(void);

// clang-format off
asm(".pushsection .text\n"
    ".intel_syntax noprefix\n"
    ".macro each do\n"
    ".set number, 1\n"
    ".irp r, rax, rbx, rdx, rsi, rdi, rbp, "
    "r8, r9, r10, r11, r12, r13, r14, r15\n"
    "\\do \\r\n"
    ".set number, number + 1\n"
    ".endr\n"
    ".endm\n"

    ".macro fill r\n"
    "movabs \\r, 0x0102030405060708 * number\n"
    ".endm\n"

    ".macro compare r\n"
    "movabs rcx, 0x0102030405060708 * number\n"
    "cmp \\r, rcx\n"
    "jne storm_changed\n"
    ".endm\n"

    "storm_round:\n"
    ".irp r, rbp, rbx, r12, r13, r14, r15\n"
    "push \\r\n"
    ".endr\n"
    "mov [rip + storm_stack], rsp\n"
    "each fill\n"
    "mov ecx, 1000\n"  // counts down, and is free then
    "push qword ptr [rip + storm_flags]\n"
    "popfq\n"
    "storm_wait:\n"
    "lea ecx, [rcx - 1]\n"  // changes no flags
    "jrcxz storm_waited\n"
    "jmp storm_wait\n"
    "storm_waited:\n"
    "pushfq\n"
    "pop rcx\n"
    "cld\n"
    "cmp rcx, [rip + storm_flags]\n"
    "jne storm_changed\n"
    "cmp rsp, [rip + storm_stack]\n"
    "jne storm_changed\n"
    "each compare\n"
    "mov eax, 1\n"
    "jmp storm_end\n"
    "storm_changed:\n"
    "xor eax, eax\n"
    "mov rsp, [rip + storm_stack]\n"
    "storm_end:\n"
    ".irp r, r15, r14, r13, r12, rbx, rbp\n"
    "pop \\r\n"
    ".endr\n"
    "ret\n"
    ".att_syntax prefix\n"
    ".popsection\n");
// clang-format on

static bool rounds(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        storm_flags = i % 2 == 0 ? FLAGS_NO : FLAGS_YES;
        if (!storm_round())
            return false;
    }
    return true;
}

TEST(reports)
{
    open_console();
    idt_init();
    nmi_init();
    machine_check_init();
    printf("storm\n");
    while (rounds())
        printf(".");
    printf("changed\n");
}

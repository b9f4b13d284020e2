// stubs.h: stubs that save general registers, and more.

#pragma once

#include "ktap.h"

#include "03-exceptions/tables.h"
#include "exceptions.h"

enum {
    CR0_MP           = 1 << 1,
    CR0_EM           = 1 << 2,
    CR4_OSFXSR       = 1 << 9,
    CR4_OSXSAVE      = 1 << 18,
    XCR0_X87_SSE_AVX = 7,
};

extern const char all_general[], with_fxsave[], with_xsave[];

_Alignas(64) uint8_t sse_state[4096];

void nothing(struct trap_frame *frame);

// int3 leads to another stub than the kernel's.
static __attribute__((unused)) void lead_to(const void *stub)
{
    uint8_t *gate = gate_of(EXC_BREAKPOINT);

    memcpy(gate, &stub, 2);
    memcpy(gate + 6, (const char *)&stub + 2, 6);
}

static void allow_sse_and_xsave(void)
{
    uint64_t cr0, cr4;

    asm volatile("mov %%cr0, %0" : "=r"(cr0));
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    cr0 = (cr0 | CR0_MP) & ~(uint64_t)CR0_EM;
    asm volatile("mov %0, %%cr0" : : "r"(cr0));
    cr4 |= CR4_OSFXSR | CR4_OSXSAVE;
    asm volatile("mov %0, %%cr4" : : "r"(cr4));
    asm volatile("xsetbv" : : "a"(XCR0_X87_SSE_AVX), "d"(0), "c"(0));
}

// clang-format off
#define GENERAL "rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, " \
                "r12, r13, r14, r15"
#define LAREGEN "r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, " \
                "rdx, rcx, rbx, rax"
#define PUSH ".irp r, " LAREGEN "\npush %\\r\n.endr\n"
#define POP  ".irp r, " GENERAL "\npop %\\r\n.endr\n"

// The kernel's stub in three parts: others have more in between.
#define ENTER "push $0\npush $3\njmp 1f\n1:\n" PUSH
#define CALL  "cld\nmov %rsp, %rdi\ncall exception_dispatch\n"
#define LEAVE POP "add $16, %rsp\niretq\n"

asm(".pushsection .text\n"
    "nothing:\n"               // what C makes of an empty function
    "ret\n"

    "all_general:\n"
    PUSH
    "cld\n"
    "mov %rsp, %rdi\n"
    "call nothing\n"
    POP
    "iretq\n"

    "with_fxsave:\n"
    ENTER
    "fxsave sse_state(%rip)\n"
    CALL
    "fxrstor sse_state(%rip)\n"
    LEAVE

    "with_xsave:\n"
    ENTER
    "mov $7, %eax\n"          // x87, SSE and AVX state
    "xor %edx, %edx\n"
    "xsave sse_state(%rip)\n"
    CALL
    "mov $7, %eax\n"
    "xor %edx, %edx\n"
    "xrstor sse_state(%rip)\n"
    LEAVE
    ".popsection\n");
// clang-format on

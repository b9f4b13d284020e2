// dangers.c: what an exception does to the program it interrupts when the
// stub saves too little, or the compiler uses more than the stub knows.
// tests/flags.py builds this with and without the kernel's flags.

#include "ktap.h"

#include "03-exceptions/tables.h"
#include "idt.h"

enum {
    SAVES_NOTHING = 0x80,  // vectors
    SAVES_SCRATCH = 0x81,
    SAVES_ALL     = 0x82,

    CR0_MP     = 1 << 1,
    CR0_EM     = 1 << 2,
    CR4_OSFXSR = 1 << 9,
};

#define PATTERN 0x0123456789abcdef

struct block {
    uint64_t words[4];
};

struct block from, to;
uint64_t calls;
uint64_t handler(void);
extern const char stub_nothing[], stub_scratch[], stub_all[];

// The stack is aligned to 16 bytes when the CPU has pushed its 5 words.
asm(".pushsection .text\n"
    "stub_nothing:\n"
    "sub $8, %rsp\n"
    "cld\n"
    "call handler\n"
    "add $8, %rsp\n"
    "iretq\n"

    "stub_scratch:\n"
    ".irp r, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11\n"
    "push %\\r\n"
    ".endr\n"
    "cld\n"
    "call handler\n"
    ".irp r, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax\n"
    "pop %\\r\n"
    ".endr\n"
    "iretq\n"

    "stub_all:\n"
    ".irp r, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11\n"
    "push %\\r\n"
    ".endr\n"
    "sub $528, %rsp\n"
    "mov %rsp, %rax\n"
    "and $-16, %rax\n"
    "fxsave (%rax)\n"
    "push %rax\n"
    "sub $8, %rsp\n"
    "cld\n"
    "call handler\n"
    "add $8, %rsp\n"
    "pop %rax\n"
    "fxrstor (%rax)\n"
    "add $528, %rsp\n"
    ".irp r, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax\n"
    "pop %\\r\n"
    ".endr\n"
    "iretq\n"
    ".popsection\n");

// Returns a value in rax, as functions do, and copies 32 bytes, through
// SSE if it may.
uint64_t handler(void)
{
    to = from;
    return ++calls;
}

static void allow_sse(void)
{
    uint64_t cr0, cr4;

    asm volatile("mov %%cr0, %0" : "=r"(cr0));
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    asm volatile("mov %0, %%cr0"
                 :
                 : "r"((cr0 | CR0_MP) & ~(uint64_t)CR0_EM));
    asm volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_OSFXSR));
}

static void lead_to(int vector, const char *stub)
{
    uint8_t *gate = gate_of(vector);

    memcpy(gate, &stub, 2);
    memcpy(gate + 6, (const char *)&stub + 2, 6);
}

// A leaf function: the ABI lets it keep value below the stack pointer.
static __attribute__((noinline)) uint64_t red_zone(void)
{
    volatile uint64_t value = PATTERN;

    asm volatile("int %0" : : "i"(SAVES_ALL));
    return value;
}

static uint64_t rax(void)
{
    uint64_t value = PATTERN;

    asm volatile("int %1"
                 : "+a"(value)
                 : "i"(SAVES_NOTHING)
                 : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
                   "r11");
    return value;
}

static uint64_t xmm0(void)
{
    uint64_t value = PATTERN;

    asm volatile("movq %0, %%xmm0; int %1; movq %%xmm0, %0"
                 : "+r"(value)
                 : "i"(SAVES_SCRATCH));
    return value;
}

static void tell(const char *what, uint64_t value)
{
    ktap_value(what, value == PATTERN, "intact");
}

TEST(dangers)
{
    allow_sse();
    idt_init();
    lead_to(SAVES_NOTHING, stub_nothing);
    lead_to(SAVES_SCRATCH, stub_scratch);
    lead_to(SAVES_ALL, stub_all);
    for (int i = 0; i < 4; i++)
        from.words[i] = ~PATTERN;
    tell("red_zone", red_zone());
    tell("rax", rax());
    tell("xmm0", xmm0());
}

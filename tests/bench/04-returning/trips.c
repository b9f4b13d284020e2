// trips.c: from int3 and back again, in instructions: through the kernel's
// stubs, and through others that save less, or more, or by other means.
// QEMU: -cpu max

#include "ktap.h"

#include <stddef.h>

#include "idt.h"
#include "stubs.h"

uint64_t counter;

// Instructions between two looks at the clock with nothing in between.
static uint64_t overhead;

#define INSTRUCTIONS(code) \
    ({ \
        uint32_t start, end; \
        asm volatile("rdtsc; mov %%eax, %0\n" code "\nrdtsc" \
                     : "=&r"(start), "=&a"(end) \
                     : \
                     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", \
                       "r11", "memory", "cc"); \
        end - start; \
    })

static void tell(const char *name, uint64_t instructions)
{
    ktap_value(name, instructions - overhead, "instructions");
}

static void measure(const char *name, const void *stub)
{
    lead_to(stub);
    INSTRUCTIONS("int3");  // once, to have been there
    tell(name, INSTRUCTIONS("int3"));
}

// Stubs in assembly

extern const char naked[], by_lretq[];

// clang-format off
asm(".pushsection .text\n"
    "naked:\n"
    "iretq\n"

    // Puts rflags, rip and cs right below where rsp was.
    "by_lretq:\n"
    "push %rax\n"
    "push %rbx\n"
    "push %rcx\n"
    "mov 48(%rsp), %rbx\n"    // rsp
    "mov 24(%rsp), %rax\n"    // rip
    "mov 32(%rsp), %rcx\n"    // cs
    "push 40(%rsp)\n"         // rflags
    "mov %rax, -16(%rbx)\n"
    "mov %rcx, -8(%rbx)\n"
    "pop -24(%rbx)\n"
    "lea -24(%rbx), %rbx\n"
    "mov %rbx, 24(%rsp)\n"
    "pop %rcx\n"
    "pop %rbx\n"
    "pop %rax\n"
    "pop %rsp\n"
    "popfq\n"
    "lretq\n"

    ".macro calling name, function\n"
    "\\name:\n"
    "push %r11\n"
    "cld\n"
    "call \\function\n"
    "pop %r11\n"
    "iretq\n"
    ".endm\n"
    "calling no_caller_saved_empty, saved_empty\n"
    "calling no_caller_saved_counter, saved_counter\n"
    "calling no_caller_saved_calling, saved_calling\n"
#ifdef __clang__
    "calling preserve_all_empty, all_empty\n"
    "calling preserve_all_counter, all_counter\n"
    "calling preserve_all_calling, all_calling\n"
#endif
    ".popsection\n");
// clang-format on

// Stubs in C

#define SAVED     __attribute__((no_caller_saved_registers)) void
#define PRESERVED __attribute__((preserve_all)) void
#define STUB      static __attribute__((interrupt)) void

struct cpu_frame;

// clang warns of what it nevertheless does right: saving more registers.
#ifdef __clang__
#pragma clang diagnostic ignored "-Winterrupt-service-routine"
#endif

STUB interrupt_empty(struct cpu_frame *frame)
{
    (void)frame;
}

STUB interrupt_counter(struct cpu_frame *frame)
{
    (void)frame;
    counter++;
}

STUB interrupt_calling(struct cpu_frame *frame)
{
    nothing((struct trap_frame *)frame);
}

extern const char no_caller_saved_empty[], no_caller_saved_counter[],
    no_caller_saved_calling[];

SAVED saved_empty(void)
{
}

SAVED saved_counter(void)
{
    counter++;
}

SAVED saved_calling(void)
{
    nothing(NULL);
}

#ifdef __clang__
extern const char preserve_all_empty[], preserve_all_counter[],
    preserve_all_calling[];

PRESERVED all_empty(void)
{
}

PRESERVED all_counter(void)
{
    counter++;
}

PRESERVED all_calling(void)
{
    nothing(NULL);
}
#endif

TEST(trips)
{
    allow_sse_and_xsave();
    overhead = INSTRUCTIONS("");

    idt_init();
    exception_set_handler(EXC_BREAKPOINT, nothing);
    INSTRUCTIONS("int3");
    tell("int3_roundtrip", INSTRUCTIONS("int3"));

    measure("int3_naked", naked);
    measure("int3_all_general", all_general);
    measure("int3_roundtrip_fxsave", with_fxsave);
    measure("int3_roundtrip_xsave", with_xsave);
    measure("lret_return", by_lretq);
    measure("int3_interrupt_attribute_empty", interrupt_empty);
    measure("int3_interrupt_attribute_counter", interrupt_counter);
    measure("int3_interrupt_attribute", interrupt_calling);
    measure("int3_no_caller_saved_empty", no_caller_saved_empty);
    measure("int3_no_caller_saved_counter", no_caller_saved_counter);
    measure("int3_no_caller_saved", no_caller_saved_calling);
#ifdef __clang__
    measure("int3_preserve_all_empty", preserve_all_empty);
    measure("int3_preserve_all_counter", preserve_all_counter);
    measure("int3_preserve_all", preserve_all_calling);
#endif
}

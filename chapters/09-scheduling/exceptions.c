// exceptions.c: the C side of isr.asm.

#include "exceptions.h"

#include <stdbool.h>
#include <stddef.h>

#include "cpu.h"
#include "panic.h"
#include "printf.h"
#include "report.h"

_Static_assert(sizeof(struct trap_frame) == 22 * 8,
               "isr.asm and the CPU push 22 words");
_Static_assert(offsetof(struct trap_frame, vector) == 15 * 8,
               "isr_common pushes 15 words");

// What becomes of a memory access that nobody could cure.
struct fixup {
    uint64_t access;  // the instruction that raises the exception
    uint64_t failed;  // where to go on
};

extern const struct fixup exception_table_start[];  // kernel.ld
extern const struct fixup exception_table_end[];

static exception_handler *handlers[VECTORS];

static const char *const names[EXCEPTIONS] = {
    [EXC_DIVIDE_ERROR]         = "#DE divide error",
    [EXC_DEBUG]                = "#DB debug",
    [EXC_NMI]                  = "NMI non-maskable interrupt",
    [EXC_BREAKPOINT]           = "#BP breakpoint",
    [EXC_OVERFLOW]             = "#OF overflow",
    [EXC_BOUND_RANGE]          = "#BR bound range exceeded",
    [EXC_INVALID_OPCODE]       = "#UD invalid opcode",
    [EXC_DEVICE_NOT_AVAILABLE] = "#NM device not available",
    [EXC_DOUBLE_FAULT]         = "#DF double fault",
    [EXC_INVALID_TSS]          = "#TS invalid TSS",
    [EXC_SEGMENT_NOT_PRESENT]  = "#NP segment not present",
    [EXC_STACK_SEGMENT]        = "#SS stack-segment fault",
    [EXC_GENERAL_PROTECTION]   = "#GP general protection",
    [EXC_PAGE_FAULT]           = "#PF page fault",
    [EXC_X87_FLOATING_POINT]   = "#MF x87 floating-point error",
    [EXC_ALIGNMENT_CHECK]      = "#AC alignment check",
    [EXC_MACHINE_CHECK]        = "#MC machine check",
    [EXC_SIMD_FLOATING_POINT]  = "#XM SIMD floating-point exception",
    [EXC_VIRTUALIZATION]       = "#VE virtualization exception",
    [EXC_CONTROL_PROTECTION]   = "#CP control protection exception",
    [EXC_HYPERVISOR_INJECTION] = "#HV hypervisor injection exception",
    [EXC_VMM_COMMUNICATION]    = "#VC VMM communication exception",
    [EXC_SECURITY]             = "#SX security exception",
};

const char *exception_name(uint64_t vector)
{
    if (vector >= EXCEPTIONS)
        return "unexpected interrupt";
    return names[vector] ? names[vector] : "reserved exception";
}

void exception_set_handler(enum exception vector,
                           exception_handler *handler)
{
    assert(vector < VECTORS);
    handlers[vector] = handler;
}

static bool is_failed_access(uint64_t vector)
{
    return vector == EXC_PAGE_FAULT ||
           vector == EXC_GENERAL_PROTECTION ||
           vector == EXC_STACK_SEGMENT;
}

static bool fix_up(struct trap_frame *frame)
{
    const struct fixup *fixup = exception_table_start;

    if (!is_failed_access(frame->vector))
        return false;
    while (fixup < exception_table_end && fixup->access != frame->rip)
        fixup++;
    if (fixup == exception_table_end)
        return false;
    frame->rip = fixup->failed;
    return true;
}

void exception_unhandled(struct trap_frame *frame)
{
    if (fix_up(frame))
        return;
    report_exception(frame);
    printf("halted\n");
    halt();
}

// Called by isr_common.
void exception_dispatch(struct trap_frame *frame)
{
    exception_handler *handler = handlers[frame->vector];

    if (handler)
        handler(frame);
    else
        exception_unhandled(frame);
}

// exceptions.h: what the CPU raises when an instruction cannot simply
// complete, and what it interrupts.

#pragma once

#include <stdint.h>

// Intel SDM volume 3A, "Exception and Interrupt Vectors"; AMD APM
// volume 2, "Vectors", for the last three.
enum exception {
    EXC_DIVIDE_ERROR         = 0,
    EXC_DEBUG                = 1,
    EXC_NMI                  = 2,
    EXC_BREAKPOINT           = 3,
    EXC_OVERFLOW             = 4,
    EXC_BOUND_RANGE          = 5,
    EXC_INVALID_OPCODE       = 6,
    EXC_DEVICE_NOT_AVAILABLE = 7,
    EXC_DOUBLE_FAULT         = 8,
    EXC_INVALID_TSS          = 10,
    EXC_SEGMENT_NOT_PRESENT  = 11,
    EXC_STACK_SEGMENT        = 12,
    EXC_GENERAL_PROTECTION   = 13,
    EXC_PAGE_FAULT           = 14,
    EXC_X87_FLOATING_POINT   = 16,
    EXC_ALIGNMENT_CHECK      = 17,
    EXC_MACHINE_CHECK        = 18,
    EXC_SIMD_FLOATING_POINT  = 19,
    EXC_VIRTUALIZATION       = 20,
    EXC_CONTROL_PROTECTION   = 21,
    EXC_HYPERVISOR_INJECTION = 28,
    EXC_VMM_COMMUNICATION    = 29,
    EXC_SECURITY             = 30,
    EXCEPTIONS               = 32,  // vectors for the CPU's own use
    VECTORS                  = 256,
};

// The interrupted program, in the order in which isr.asm leaves it on
// the stack: pushed last, stored first. It goes on as the frame says
// after the handler, which may change all of it.
struct trap_frame {
    // Pushed by isr_common.
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;

    // Pushed by the stub of the vector; some error codes by the CPU.
    uint64_t vector;
    uint64_t error_code;

    // Pushed by the CPU.
    uint64_t rip, cs, rflags, rsp, ss;
};

// Returns the mnemonic and the name: "#PF page fault".
const char *exception_name(uint64_t vector);

// To return is to resume the program: after a trap, such as a
// breakpoint, at the next instruction; after a fault at the same one
// again, so its cause has to be gone.
typedef void exception_handler(struct trap_frame *frame);

// Null: there is none, as in the beginning.
void exception_set_handler(enum exception vector,
                           exception_handler *handler);

// For an exception without a handler, or one that its handler does not
// know. A failed access of the exception table is told to the program.
// Anything else is reported, and the kernel halts.
void exception_unhandled(struct trap_frame *frame);

; isr.asm: the first and the last instructions of every interrupt
; service routine.
;
; The CPU does not say which vector brought it here, so each vector has
; a stub of its own. A stub leaves the stack in the same shape whatever
; the exception, and isr_common adds the general registers. Together
; they build struct trap_frame of exceptions.h, from high addresses to
; low:
;
;       ss, rsp, rflags, cs, rip        by the CPU, from a multiple
;                                       of 16 bytes down
;       error_code                      by the CPU, or as 0 by the stub
;       vector                          by the stub
;       r15 ... r8                      by isr_common
;       rbp, rdi, rsi, rdx, rcx, rbx, rax
;
; The instruction int never pushes an error code: int 14 makes a frame
; that lacks it, and looks like no page fault.
;
; Exceptions nest. Each has a frame of its own, below whatever the stack
; held: an exception or an NMI may come at any instruction, those here
; included. Two things do not nest. A page fault overwrites CR2, so a
; handler reads it first. And on a stack that a gate names (idt.c) a
; frame is always the uppermost: a second one overwrites the first. NMIs
; have such a stack. The CPU holds back the next one until an iretq, any
; iretq, so an NMI handler must not raise an exception.

global isr_table
extern exception_dispatch               ; exceptions.c

VECTORS         equ 256

; One bit for each vector whose error code the CPU pushes itself: #DF,
; #TS to #PF, #AC, #CP, #VC and #SX. Intel SDM volume 3A, "Exception and
; Interrupt Reference"; AMD APM volume 2, "Vectors".
HAS_ERROR_CODE  equ 1 << 8 | 0x1f << 10 | 1 << 17 | 1 << 21 | 3 << 29

section .text
bits 64

%assign vector 0
%rep VECTORS
isr_%[vector]:
%if vector >= 32 || (HAS_ERROR_CODE >> vector & 1) == 0
        push    0
%endif
        push    vector
        jmp     isr_common
%assign vector vector + 1
%endrep

isr_common:
        push    r15
        push    r14
        push    r13
        push    r12
        push    r11
        push    r10
        push    r9
        push    r8
        push    rbp
        push    rdi
        push    rsi
        push    rdx
        push    rcx
        push    rbx
        push    rax

        cld                             ; C relies on it
        mov     rdi, rsp                ; first argument: the trap frame
        call    exception_dispatch      ; rsp is aligned: 22 words

        pop     rax                     ; C may have changed any of them
        pop     rbx
        pop     rcx
        pop     rdx
        pop     rsi
        pop     rdi
        pop     rbp
        pop     r8
        pop     r9
        pop     r10
        pop     r11
        pop     r12
        pop     r13
        pop     r14
        pop     r15

        add     rsp, 2 * 8              ; drop vector and error_code
        iretq                           ; pops rip, cs, rflags, rsp, ss

section .rodata

align 8
isr_table:
%assign vector 0
%rep VECTORS
        dq      isr_%[vector]
%assign vector vector + 1
%endrep

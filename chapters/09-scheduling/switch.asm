; switch.asm: from one thread to another.

global thread_switch

section .text
bits 64

; void thread_switch(uint64_t **save, uint64_t *load)
;
; To the compiler this is a call like any other, after which rbx, rbp,
; r12 to r15 and rsp are what they were, and everything else is lost. So
; those are all there is to save: on the thread's own stack, whose
; pointer goes to *save. The stack at load was left in the same way, and
; the return is to whoever called from there. Interrupts are disabled.
; System V ABI, AMD64 supplement, "Registers".
thread_switch:
        push    rbp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [rdi], rsp
        mov     rsp, rsi
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        ret

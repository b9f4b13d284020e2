; probe.asm: reading memory that may not be there. Who wants to know
; whether an access fails tries it; the exception table says what then.

global probe_read

section .text
bits 64

; bool probe_read(const void *address, uint64_t *value)
probe_read:
.access:
        mov     rax, [rdi]
        mov     [rsi], rax
        mov     eax, 1                  ; true
        ret
.failed:
        xor     eax, eax                ; false
        ret

; Pairs of struct fixup in exceptions.c.
section exception_table

        dq      probe_read.access, probe_read.failed

; multiboot2.asm: the header by which GRUB knows the kernel.
;
; GRUB looks for it in the first 32 KiB of the file, at a multiple of 8
; bytes. Multiboot2 Specification, "The layout of Multiboot2 header".

MAGIC           equ 0xe85250d6
I386            equ 0                   ; start in 32-bit protected mode
LENGTH          equ multiboot2_header.end - multiboot2_header

END_TAG         equ 0

section .multiboot2

align 8
multiboot2_header:
        dd      MAGIC
        dd      I386
        dd      LENGTH
        dd      -(MAGIC + I386 + LENGTH) & 0xffffffff   ; the sum is 0

        dw      END_TAG
        dw      0                       ; no flags
        dd      8                       ; size of this tag
.end:

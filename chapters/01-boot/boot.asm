; boot.asm: from the state in which GRUB leaves the CPU to 64-bit C.
;
; GRUB jumps to start in 32-bit protected mode without paging:
;
;       eax     LOADER_MAGIC
;       ebx     physical address of the boot information
;       esp     nothing that can be used
;
; start checks what it stands on, turns on paging and with it long mode,
; and calls kernel_main. Multiboot2 Specification, "I386 machine state";
; Intel SDM volume 3A, "Initializing IA-32e Mode".

global start, stack_guard, stack_bottom, stack_top
extern fail                             ; fail.asm
extern kernel_main                      ; main.c

LOADER_MAGIC    equ 0x36d76289

EFLAGS_ID       equ 1 << 21             ; can be changed: CPUID exists
CPUID_EXTENDED  equ 0x80000000          ; eax: the highest extended leaf
CPUID_FEATURES  equ 0x80000001
FEATURE_LM      equ 1 << 29             ; edx: the CPU has long mode

CR0_PG          equ 1 << 31
CR4_PAE         equ 1 << 5
MSR_EFER        equ 0xc0000080
EFER_LME        equ 1 << 8

STACK_SIZE      equ 16 * 1024
PAGE_SIZE       equ 4096

section .text
bits 32

start:
        cld
        mov     esp, stack_top
        mov     edi, ebx                ; first argument of kernel_main

        mov     esi, no_loader
        cmp     eax, LOADER_MAGIC
        jne     fail

        call    check_cpuid
        call    check_long_mode
        call    unmap_stack_guard
        call    enable_paging

        lgdt    [gdt_pointer]
        jmp     KERNEL_CODE:start_64

; Without CPUID, this bit of EFLAGS keeps its value whatever is written.
check_cpuid:
        pushfd
        pop     eax
        mov     ecx, eax                ; before
        xor     eax, EFLAGS_ID
        push    eax
        popfd
        pushfd
        pop     eax                     ; after
.compare:
        mov     esi, no_cpuid
        cmp     eax, ecx
        je      fail
        ret

check_long_mode:
        mov     esi, no_long_mode
        mov     eax, CPUID_EXTENDED
        cpuid
        cmp     eax, CPUID_FEATURES
        jb      fail
        mov     eax, CPUID_FEATURES
        cpuid
        test    edx, FEATURE_LM
        jz      fail
        ret

; An overflowing stack must hit a wall, not whatever lies below it.
unmap_stack_guard:
        mov     eax, stack_guard
        shr     eax, 12                 ; its page number
        mov     dword [page_table + eax * 8], 0
        ret

; With EFER.LME set, turning on paging turns on long mode. The code
; segment is still a 32-bit one, and so are the next instructions.
enable_paging:
        mov     eax, pml4
        mov     cr3, eax

        mov     eax, CR4_PAE            ; nothing that was on before,
        mov     cr4, eax                ; such as a fifth level

        mov     ecx, MSR_EFER
        rdmsr
        or      eax, EFER_LME
        wrmsr

        mov     eax, cr0
        or      eax, CR0_PG
        mov     cr0, eax
        ret

bits 64

start_64:
        mov     eax, KERNEL_DATA
        mov     ds, eax
        mov     es, eax
        mov     fs, eax
        mov     gs, eax
        mov     ss, eax

        mov     esp, stack_top          ; the mode switch left the upper
        mov     edi, edi                ; halves undefined: clear them
        xor     ebp, ebp                ; nobody called us
        call    kernel_main

halt:
        cli
        hlt
        jmp     halt                    ; an NMI ends a hlt

section .rodata

no_loader:
        db      "Trapframe has to be started by a Multiboot2 loader, "
        db      "such as GRUB 2.", 0
no_cpuid:
        db      "Trapframe needs a 64-bit CPU, and this one is too old "
        db      "even for CPUID.", 0
no_long_mode:
        db      "Trapframe needs a 64-bit CPU, and this one has no "
        db      "long mode.", 0

; Segments in long mode have neither base nor limit. What is left of a
; descriptor is its type and privilege. Intel SDM volume 3A, "Segment
; Descriptor Tables in IA-32e Mode".
DESCRIPTOR_WRITABLE     equ 1 << 41
DESCRIPTOR_EXECUTABLE   equ 1 << 43
DESCRIPTOR_CODE_OR_DATA equ 1 << 44
DESCRIPTOR_PRESENT      equ 1 << 47
DESCRIPTOR_64_BIT       equ 1 << 53

KERNEL_CODE     equ gdt.code - gdt
KERNEL_DATA     equ gdt.data - gdt

align 8
gdt:
        dq      0                       ; selector 0 means "no segment"
.code:
        dq      DESCRIPTOR_PRESENT | DESCRIPTOR_CODE_OR_DATA | \
                DESCRIPTOR_EXECUTABLE | DESCRIPTOR_64_BIT
.data:
        dq      DESCRIPTOR_PRESENT | DESCRIPTOR_CODE_OR_DATA | \
                DESCRIPTOR_WRITABLE
.end:

gdt_pointer:
        dw      gdt.end - gdt - 1       ; limit: the last byte
        dq      gdt

; Page tables that map the first 4 GiB to themselves: pages of 2 MiB,
; but for the first 2 MiB, where pages of 4 KiB allow two holes. Page 0
; is one, so that a null pointer faults; the stack guard will be the
; other.
PAGE_PRESENT    equ 1 << 0
PAGE_WRITABLE   equ 1 << 1
PAGE_LARGE      equ 1 << 7              ; 2 MiB, in a page directory

TABLE           equ PAGE_PRESENT | PAGE_WRITABLE
GIGABYTES       equ 4

section .data

align PAGE_SIZE
pml4:
        dq      page_directory_pointers + TABLE
        times 511 dq 0

page_directory_pointers:
%assign gigabyte 0
%rep GIGABYTES
        dq      page_directories + gigabyte * PAGE_SIZE + TABLE
%assign gigabyte gigabyte + 1
%endrep
        times 512 - GIGABYTES dq 0

page_directories:
        dq      page_table + TABLE
%assign page 1
%rep GIGABYTES * 512 - 1
        dq      page << 21 | PAGE_LARGE | TABLE
%assign page page + 1
%endrep

page_table:
        dq      0                       ; page 0
%assign page 1
%rep 511
        dq      page << 12 | TABLE
%assign page page + 1
%endrep

section .bss

alignb PAGE_SIZE
stack_guard:
        resb    PAGE_SIZE
stack_bottom:
        resb    STACK_SIZE
stack_top:

; boot.asm: from the state in which GRUB leaves the CPU to 64-bit C.
;
; GRUB jumps to start in 32-bit protected mode without paging:
;
;       eax     LOADER_MAGIC
;       ebx     physical address of the boot information
;       esp     nothing that can be used
;
; start checks what it stands on, turns on paging and with it long mode,
; goes to the addresses the kernel is linked for, and calls kernel_main.
; Until then it runs at its physical address, in a section of its own,
; and reaches all else at address - KERNEL_BASE. Multiboot2
; Specification, "I386 machine state"; Intel SDM volume 3A,
; "Initializing IA-32e Mode".

global start
global boot_kernel_base
extern fail                             ; fail.asm
extern kernel_main                      ; main.c
extern stack_guard, stack_top           ; stacks.asm

LOADER_MAGIC    equ 0x36d76289

EFLAGS_ID       equ 1 << 21             ; can be changed: CPUID exists
CPUID_EXTENDED  equ 0x80000000          ; eax: the highest extended leaf
CPUID_FEATURES  equ 0x80000001
FEATURE_LM      equ 1 << 29             ; edx: the CPU has long mode
FEATURE_NX      equ 1 << 20             ; edx: and no-execute pages

CR0_WP          equ 1 << 16             ; read-only is so for ring 0 too
CR0_PG          equ 1 << 31
CR4_PAE         equ 1 << 5
MSR_EFER        equ 0xc0000080
EFER_LME        equ 1 << 8
EFER_NXE        equ 1 << 11

KERNEL_BASE     equ 0xffffffff80000000  ; memory.h; kernel.ld checks
DIRECT_MAP      equ 0xffff800000000000  ; memory.h
boot_kernel_base equ KERNEL_BASE

PAGE_SIZE       equ 4096

section .boot progbits alloc exec nowrite
bits 32

start:
        cld
        mov     esp, stack_top - KERNEL_BASE
        mov     edi, ebx                ; first argument of kernel_main

        mov     esi, no_loader
        cmp     eax, LOADER_MAGIC
        jne     fail

        call    check_cpuid
        call    check_long_mode
        call    unmap_stack_guard
        call    enable_paging

        lgdt    [gdt_pointer]
        jmp     KERNEL_CODE:long_mode

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
        mov     esi, no_no_execute
        test    edx, FEATURE_NX
        jz      fail
        ret

; An overflowing stack must hit a wall, not whatever lies below it.
unmap_stack_guard:
        mov     eax, stack_guard - KERNEL_BASE
        shr     eax, 12                 ; its page number
        mov     dword [page_table - KERNEL_BASE + eax * 8], 0
        ret

; With EFER.LME set, turning on paging turns on long mode. The code
; segment is still a 32-bit one, and so are the next instructions.
enable_paging:
        mov     eax, pml4 - KERNEL_BASE
        mov     cr3, eax

        mov     eax, CR4_PAE            ; nothing that was on before,
        mov     cr4, eax                ; such as a fifth level

        mov     ecx, MSR_EFER
        rdmsr
        or      eax, EFER_LME | EFER_NXE
        wrmsr

        mov     eax, cr0
        or      eax, CR0_PG | CR0_WP
        mov     cr0, eax
        ret

bits 64

long_mode:
        mov     rax, start_64           ; nearly 2 GiB away
        jmp     rax

section .text

start_64:
        lgdt    [gdt_pointer_high]
        mov     eax, KERNEL_DATA
        mov     ds, eax
        mov     es, eax
        mov     fs, eax
        mov     gs, eax
        mov     ss, eax

        mov     rsp, stack_top
        mov     edi, edi                ; the upper half was undefined
        mov     rax, DIRECT_MAP
        add     rdi, rax                ; the address in the direct map
        xor     ebp, ebp                ; nobody called us
        call    kernel_main

halt:
        cli
        hlt
        jmp     halt                    ; an NMI ends a hlt

section .boot

no_loader:
        db      "Trapframe has to be started by a Multiboot2 loader, "
        db      "such as GRUB 2.", 0
no_cpuid:
        db      "Trapframe needs a 64-bit CPU, and this one is too old "
        db      "even for CPUID.", 0
no_long_mode:
        db      "Trapframe needs a 64-bit CPU, and this one has no "
        db      "long mode.", 0
no_no_execute:
        db      "Trapframe needs no-execute pages. This CPU has none, "
        db      "or its firmware hides them.", 0

section .rodata

; Segments in long mode have neither base nor limit. What is left of a
; descriptor is its type and privilege. It is marked as accessed, which
; the CPU would else do itself, in read-only memory. Intel SDM volume
; 3A, "Segment Descriptor Tables in IA-32e Mode".
DESCRIPTOR_ACCESSED     equ 1 << 40
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
                DESCRIPTOR_EXECUTABLE | DESCRIPTOR_64_BIT | \
                DESCRIPTOR_ACCESSED
.data:
        dq      DESCRIPTOR_PRESENT | DESCRIPTOR_CODE_OR_DATA | \
                DESCRIPTOR_WRITABLE | DESCRIPTOR_ACCESSED
.end:

gdt_pointer_high:
        dw      gdt.end - gdt - 1       ; limit: the last byte
        dq      gdt

section .boot

gdt_pointer:
        dw      gdt.end - gdt - 1
        dd      gdt - KERNEL_BASE

; The first page tables, until memory_init has made better ones. They
; map the first 4 GiB twice, to themselves, for the instructions that
; turn on paging, and from DIRECT_MAP on; and the first GiB once more,
; from KERNEL_BASE on. Pages of 2 MiB, but for the first 2 MiB, where
; pages of 4 KiB allow two holes. Page 0 is one, so that a null pointer
; faults; the stack guard will be the other.
PAGE_PRESENT    equ 1 << 0
PAGE_WRITABLE   equ 1 << 1
PAGE_LARGE      equ 1 << 7              ; 2 MiB, in a page directory

TABLE           equ PAGE_PRESENT | PAGE_WRITABLE
GIGABYTES       equ 4

SLOT            equ 1 << 39             ; what an entry of the PML4 maps
GIGABYTE        equ 1 << 30

section .data

align PAGE_SIZE
pml4:
        dq      page_directory_pointers - KERNEL_BASE + TABLE
        times (DIRECT_MAP / SLOT) % 512 - 1 dq 0
        dq      page_directory_pointers - KERNEL_BASE + TABLE
        times 511 - (DIRECT_MAP / SLOT) % 512 - 1 dq 0
        dq      kernel_directory_pointers - KERNEL_BASE + TABLE

kernel_directory_pointers:
        times (KERNEL_BASE / GIGABYTE) % 512 dq 0
        dq      page_directories - KERNEL_BASE + TABLE
        times 511 - (KERNEL_BASE / GIGABYTE) % 512 dq 0

page_directory_pointers:
%assign gigabyte 0
%rep GIGABYTES
        dq      page_directories - KERNEL_BASE + \
                gigabyte * PAGE_SIZE + TABLE
%assign gigabyte gigabyte + 1
%endrep
        times 512 - GIGABYTES dq 0

page_directories:
        dq      page_table - KERNEL_BASE + TABLE
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

; stacks.asm: the stacks, each above a page that memory_init leaves out;
; boot.asm does so before, for the kernel's own. Those of exceptions lie
; below it, so that whoever follows the frames goes up.

global double_fault_stack_guard, double_fault_stack_bottom
global double_fault_stack_top
global nmi_stack_guard, nmi_stack_bottom, nmi_stack_top
global machine_check_stack_guard, machine_check_stack_bottom
global machine_check_stack_top
global stack_guard, stack_bottom, stack_top

PAGE_SIZE       equ 4096

%macro guarded_stack 2                  ; its name, its size
%1_guard:
        resb    PAGE_SIZE
%1_bottom:
        resb    %2
%1_top:
%endmacro

section .stack nobits alloc noexec write align=PAGE_SIZE

        guarded_stack double_fault_stack, 8 * 1024
        guarded_stack nmi_stack, 8 * 1024
        guarded_stack machine_check_stack, 8 * 1024
        guarded_stack stack, 16 * 1024

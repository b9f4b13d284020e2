// bad_stacks.c: waits with a stack pointer that points to no stack,
// until the host sends a character.

#include "../../panics/open.h"

#include "idt.h"
#include "machine_check.h"
#include "nmi.h"
#include "printf.h"

// By the names of the assembly below.
uint64_t bad_stack, kept_stack;
void wait_on_bad_stack(void);
extern const char stack_guard[];

// COM1: its line status, and its data.
asm(".pushsection .text\n"
    "wait_on_bad_stack:\n"
    "mov %rsp, kept_stack(%rip)\n"
    "mov bad_stack(%rip), %rsp\n"
    "waiting: mov $0x3fd, %edx\n"
    "in %dx, %al\n"
    "test $1, %al\n"
    "jz waiting\n"
    "mov $0x3f8, %edx\n"
    "in %dx, %al\n"
    "mov kept_stack(%rip), %rsp\n"
    "ret\n"
    ".popsection\n");

TEST(reports)
{
    const uint64_t pointers[] = {
        0,
        1ul << 63,
        (uint64_t)stack_guard + 8,
        (uint64_t)stack_guard + 4096,
    };

    open_console();
    idt_init();
    nmi_init();
    machine_check_init();
    for (int i = 0; i < 4; i++) {
        bad_stack = pointers[i];
        printf("rsp %016lx\n", bad_stack);
        wait_on_bad_stack();
        printf("back\n");
    }
}

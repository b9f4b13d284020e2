// gdt.h: the global descriptor table, with a task-state segment.

#pragma once

// The stacks that gates can name in their field IST.
enum {
    IST_NONE,  // stay on the current one
    IST_DOUBLE_FAULT,
    IST_NMI,
    IST_MACHINE_CHECK,
};

// Replaces boot.asm's table. The kernel's selectors stay what they are.
void gdt_init(void);

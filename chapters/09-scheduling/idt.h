// idt.h: the interrupt descriptor table, which leads from the number of
// an exception or interrupt to the code that deals with it.

#pragma once

// Makes the CPU come to isr.asm whatever the vector. The stacks of some
// vectors are those of gdt_init, which has to come first.
void idt_init(void);

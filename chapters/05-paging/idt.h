// idt.h: the interrupt descriptor table, which leads from the number of
// an exception or interrupt to the code that deals with it.

#pragma once

// Makes the CPU come to isr.asm whatever the vector.
void idt_init(void);

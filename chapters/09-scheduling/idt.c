// idt.c: a gate for every vector. None is left out: the CPU answers an
// empty one with another exception, and in the end with a reset.

#include "idt.h"

#include <stdint.h>

#include "cpu.h"
#include "exceptions.h"
#include "gdt.h"

// Intel SDM volume 3A, "64-Bit Mode IDT".
struct idt_gate {
    uint16_t offset_0_15;
    uint16_t selector;
    uint8_t stack;  // IST_NONE or another of gdt.h
    uint8_t type;
    uint16_t offset_16_31;
    uint32_t offset_32_63;
    uint32_t reserved;
};

_Static_assert(sizeof(struct idt_gate) == 16, "the CPU reads 16 bytes");

enum { INTERRUPT_GATE = 0x8e };  // present, for ring 0, clears IF

extern const uint64_t isr_table[VECTORS];  // isr.asm

static struct idt_gate idt[VECTORS];

// Exceptions that may come when the current stack cannot be used.
static int stack_of(int vector)
{
    switch (vector) {
    case EXC_DOUBLE_FAULT:
        return IST_DOUBLE_FAULT;
    case EXC_NMI:
        return IST_NMI;
    case EXC_MACHINE_CHECK:
        return IST_MACHINE_CHECK;
    }
    return IST_NONE;
}

static struct idt_gate gate_to(uint64_t entry, int stack)
{
    return (struct idt_gate){
        .offset_0_15  = entry & 0xffff,
        .offset_16_31 = entry >> 16 & 0xffff,
        .offset_32_63 = entry >> 32,
        .selector     = read_cs(),
        .stack        = stack,
        .type         = INTERRUPT_GATE,
    };
}

void idt_init(void)
{
    for (int vector = 0; vector < VECTORS; vector++)
        idt[vector] = gate_to(isr_table[vector], stack_of(vector));
    load_idt(idt, sizeof(idt));
}

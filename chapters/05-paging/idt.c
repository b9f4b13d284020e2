// idt.c: a gate for every vector. None is left out: the CPU answers an
// empty one with another exception, and in the end with a reset.

#include "idt.h"

#include <stdint.h>

#include "cpu.h"
#include "exceptions.h"

// Intel SDM volume 3A, "64-Bit Mode IDT".
struct idt_gate {
    uint16_t offset_0_15;
    uint16_t selector;
    uint8_t stack;  // 0: stay on the current one
    uint8_t type;
    uint16_t offset_16_31;
    uint32_t offset_32_63;
    uint32_t reserved;
};

_Static_assert(sizeof(struct idt_gate) == 16, "the CPU reads 16 bytes");

enum { INTERRUPT_GATE = 0x8e };  // present, for ring 0, clears IF

extern const uint64_t isr_table[VECTORS];  // isr.asm

static struct idt_gate idt[VECTORS];

static struct idt_gate gate_to(uint64_t entry)
{
    return (struct idt_gate){
        .offset_0_15  = entry & 0xffff,
        .offset_16_31 = entry >> 16 & 0xffff,
        .offset_32_63 = entry >> 32,
        .selector     = read_cs(),
        .type         = INTERRUPT_GATE,
    };
}

void idt_init(void)
{
    for (int vector = 0; vector < VECTORS; vector++)
        idt[vector] = gate_to(isr_table[vector]);
    load_idt(idt, sizeof(idt));
}

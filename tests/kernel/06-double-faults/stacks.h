// stacks.h: the kernel's stacks.

#pragma once

#include "ktap.h"

#define STACK_LABELS(label) \
    extern const char label##_guard[], label##_bottom[], label##_top[]

STACK_LABELS(double_fault_stack);
STACK_LABELS(nmi_stack);
STACK_LABELS(machine_check_stack);
STACK_LABELS(stack);

// By address. The last one is the kernel's.
enum {
    DOUBLE_FAULT_STACK,
    NMI_STACK,
    MACHINE_CHECK_STACK,
    KERNEL_STACK,
    STACKS
};

struct stack {
    const char *name;  // in reports
    const char *guard, *bottom, *top;
};

#define STACK(name, label) \
    { \
        name, label##_guard, label##_bottom, label##_top \
    }

static const struct stack stacks[STACKS] = {
    STACK("double fault", double_fault_stack),
    STACK("NMI", nmi_stack),
    STACK("machine check", machine_check_stack),
    STACK("kernel", stack),
};

// Which stack an address lies in. STACKS: in none.
static __attribute__((unused)) int stack_at(uint64_t address)
{
    int i = 0;

    while (i < STACKS && (address < (uint64_t)stacks[i].bottom ||
                          address >= (uint64_t)stacks[i].top))
        i++;
    return i;
}

// faults.c: one mistake for each exception that a kernel can bring upon
// itself.

#include "faults.h"

#include <stddef.h>
#include <stdint.h>

#include "cpu.h"
#include "printf.h"
#include "string.h"

struct fault {
    const char *name;
    const char *what;
    void (*raise)(void);
};

// Volatile: the compiler is not to know that it is always 0.
static volatile uint64_t zero;

// Not 1 / zero: compilers make that zero == 1, and divide nothing.
static void divide(void)
{
    zero = 10 / zero;
}

static void invalid(void)
{
    asm volatile("ud2");
}

static void null(void)
{
    *(volatile char *)zero = 0;
}

static void code(void)
{
    *(volatile char *)null = 0;
}

static void data(void)
{
    ((void (*)(void)) & zero)();
}

static void canonical(void)
{
    *(volatile char *)(zero + (1ul << 63)) = 0;
}

static void segment(void)
{
    asm volatile("mov %0, %%fs" : : "r"(0xfff8));
}

static void overflow(void)
{
    if (zero == 0)
        overflow();
    zero = 0;  // after the call, so that there is one
}

static const struct fault faults[] = {
    {"divide", "divide by zero", divide},
    {"invalid", "execute an invalid instruction", invalid},
    {"null", "write through a null pointer", null},
    {"code", "write to the kernel's code", code},
    {"data", "execute data", data},
    {"canonical", "write to a non-canonical address", canonical},
    {"segment", "load a segment that is not there", segment},
    {"overflow", "call a function until the stack is full", overflow},
};

enum { FAULTS = sizeof(faults) / sizeof(faults[0]) };

bool fault_raise(const char *name)
{
    for (size_t i = 0; i < FAULTS; i++)
        if (strcmp(name, faults[i].name) == 0) {
            faults[i].raise();
            return true;
        }
    return false;
}

void faults_print(void)
{
    for (size_t i = 0; i < FAULTS; i++)
        printf("%-10s %s\n", faults[i].name, faults[i].what);
}

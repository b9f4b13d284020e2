// cpu.h: stands for a chapter's cpu.h. What a program of the host
// cannot do, a harness does.

#pragma once

#include <stddef.h>
#include <stdint.h>

enum { RFLAGS_TF = 1 << 8, RFLAGS_IF = 1 << 9 };

// Of the harness, where a file that it is made of needs them.
void outb(uint16_t port, uint8_t value);
uint8_t inb(uint16_t port);
void breakpoint(void);

// host.c: the CPU's registers.
extern uint64_t host_cr3, host_rflags;
_Noreturn void host_halt(void);

// Not in assembly, where the sanitizers see nothing.
static inline void rep_movsb(void *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
}

static inline void rep_stosb(void *to, uint8_t byte, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)to)[i] = byte;
}

static inline void rep_stosq(void *to, uint64_t word, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ((uint64_t *)to)[i] = word;
}

static inline uint64_t read_cr3(void)
{
    return host_cr3;
}

static inline void write_cr3(uint64_t root)
{
    host_cr3 = root;
}

static inline void invlpg(const void *address)
{
    (void)address;
}

static inline uint64_t read_rflags(void)
{
    return host_rflags;
}

static inline void cli(void)
{
    host_rflags &= ~(uint64_t)RFLAGS_IF;
}

static inline void sti(void)
{
    host_rflags |= RFLAGS_IF;
}

static inline void sti_hlt(void)
{
    sti();
}

static inline _Noreturn void halt(void)
{
    host_halt();
}

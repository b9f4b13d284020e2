// cpu.h: the instructions C has no words for.

#pragma once

#include <stddef.h>
#include <stdint.h>

static inline void outb(uint16_t port, uint8_t value)
{
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t value;

    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

// Both count upwards: C code may assume that the direction flag is
// clear.
static inline void rep_movsb(void *to, const void *from, size_t size)
{
    asm volatile("rep movsb"
                 : "+D"(to), "+S"(from), "+c"(size)
                 :
                 : "memory");
}

static inline void rep_stosb(void *to, uint8_t byte, size_t size)
{
    asm volatile("rep stosb"
                 : "+D"(to), "+c"(size)
                 : "a"(byte)
                 : "memory");
}

static inline _Noreturn void halt(void)
{
    for (;;)
        asm volatile("cli; hlt");
}

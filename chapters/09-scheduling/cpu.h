// cpu.h: the instructions C has no words for.

#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    RFLAGS_TF = 1 << 8,  // trap after each instruction
    RFLAGS_IF = 1 << 9,  // interrupts are enabled
};

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

// All count upwards: C code may assume that the direction flag is
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

static inline void rep_stosq(void *to, uint64_t word, size_t count)
{
    asm volatile("rep stosq"
                 : "+D"(to), "+c"(count)
                 : "a"(word)
                 : "memory");
}

// The address whose access raised the last page fault.
static inline uint64_t read_cr2(void)
{
    uint64_t address;

    asm volatile("mov %%cr2, %0" : "=r"(address));
    return address;
}

// The physical address of the page tables' root, and flags.
static inline uint64_t read_cr3(void)
{
    uint64_t root;

    asm volatile("mov %%cr3, %0" : "=r"(root));
    return root;
}

// Makes page tables the CPU's, and drops what it remembers of others.
static inline void write_cr3(uint64_t root)
{
    asm volatile("mov %0, %%cr3" : : "r"(root) : "memory");
}

// Drops what the CPU remembers of the page tables about an address.
static inline void invlpg(const void *address)
{
    asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline uint64_t read_rflags(void)
{
    uint64_t flags;

    asm volatile("pushfq; pop %0" : "=r"(flags));
    return flags;
}

static inline void write_rflags(uint64_t flags)
{
    asm volatile("push %0; popfq" : : "r"(flags) : "cc", "memory");
}

static inline void cli(void)
{
    asm volatile("cli" : : : "memory");
}

static inline void sti(void)
{
    asm volatile("sti" : : : "memory");
}

// Halts the CPU until an interrupt comes. One that waits already comes
// at once, but never between the two: sti takes effect one instruction
// late. Intel SDM volume 2B, "STI---Set Interrupt Flag".
static inline void sti_hlt(void)
{
    asm volatile("sti; hlt" : : : "memory");
}

static inline void breakpoint(void)
{
    asm volatile("int3" : : : "memory");
}

static inline uint16_t read_cs(void)
{
    uint16_t selector;

    asm volatile("mov %%cs, %0" : "=r"(selector));
    return selector;
}

// What lidt and lgdt read. Intel SDM volume 3A, "Memory-Management
// Registers".
struct table_pointer {
    uint16_t limit;  // the last byte
    uint64_t base;
} __attribute__((packed));

static inline void load_idt(const void *table, size_t size)
{
    struct table_pointer pointer = {size - 1, (uint64_t)table};

    asm volatile("lidt %0" : : "m"(pointer) : "memory");
}

static inline void load_gdt(const void *table, size_t size)
{
    struct table_pointer pointer = {size - 1, (uint64_t)table};

    asm volatile("lgdt %0" : : "m"(pointer) : "memory");
}

static inline void load_ldt(uint16_t selector)
{
    asm volatile("lldt %0" : : "r"(selector) : "memory");
}

// Marks the descriptor as busy: not twice in a row.
static inline void load_tss(uint16_t selector)
{
    asm volatile("ltr %0" : : "r"(selector) : "memory");
}

static inline uint64_t read_msr(uint32_t number)
{
    uint32_t low, high;

    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

static inline void write_msr(uint32_t number, uint64_t value)
{
    asm volatile("wrmsr"
                 :
                 : "c"(number), "a"((uint32_t)value),
                   "d"((uint32_t)(value >> 32))
                 : "memory");
}

static inline uint64_t read_cr4(void)
{
    uint64_t value;

    asm volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static inline void write_cr4(uint64_t value)
{
    asm volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_result cpuid(uint32_t leaf)
{
    struct cpuid_result r = {.eax = leaf};

    asm volatile("cpuid"
                 : "+a"(r.eax), "=b"(r.ebx), "+c"(r.ecx), "=d"(r.edx));
    return r;
}

static inline _Noreturn void halt(void)
{
    for (;;)
        asm volatile("cli; hlt");
}

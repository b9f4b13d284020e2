// com1.h: what a test has to say, and how it ends. It needs nothing of
// the kernel, which may be broken.

#pragma once

#include <stdint.h>

enum {
    UART_DATA = 0x3f8,  // COM1; with LCR_DLAB: divisor, low byte
    UART_IER  = 0x3f9,  // with LCR_DLAB: divisor, high byte
    UART_LCR  = 0x3fb,
    UART_LSR  = 0x3fd,
    LCR_8N1   = 0x03,
    LCR_DLAB  = 0x80,
    LSR_THRE  = 0x20,

    // QEMU's isa-debug-exit: its status is 2 * value + 1.
    DEBUG_EXIT = 0xf4,
    EXIT_PASS  = 0x10,
    EXIT_FAIL  = 0x11,
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

static inline void put(const char *text)
{
    for (; *text != '\0'; text++) {
        while ((inb(UART_LSR) & LSR_THRE) == 0)
            ;
        outb(UART_DATA, *text);
    }
}

static inline void put_number(uint64_t n, unsigned base)
{
    char digits[21];
    int i = sizeof(digits) - 1;

    digits[i] = '\0';
    do {
        digits[--i] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n != 0);
    put(&digits[i]);
}

static inline void uart_init(void)
{
    outb(UART_LCR, LCR_DLAB);
    outb(UART_DATA, 1);  // divisor 1: 115200 baud
    outb(UART_IER, 0);
    outb(UART_LCR, LCR_8N1);
    outb(UART_IER, 0);  // no interrupts
}

// Ends QEMU, if that has isa-debug-exit.
static inline _Noreturn void leave(uint8_t how)
{
    outb(DEBUG_EXIT, how);
    for (;;)
        asm volatile("cli; hlt");
}

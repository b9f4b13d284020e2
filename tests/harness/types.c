// types.c: sends the number of each key that is pressed through COM1.

#include "ktap.h"

enum {
    KEYBOARD_DATA   = 0x60,
    KEYBOARD_STATUS = 0x64,
    OUTPUT_FULL     = 1,
    COM1            = 0x3f8
};

static uint8_t inb(uint16_t port)
{
    uint8_t value;

    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void send(char c)
{
    asm volatile("outb %0, %1" : : "a"(c), "Nd"((uint16_t)COM1));
}

TEST(keys)
{
    send('>');
    for (;;) {
        while ((inb(KEYBOARD_STATUS) & OUTPUT_FULL) == 0)
            ;
        uint8_t code = inb(KEYBOARD_DATA);
        send("0123456789abcdef"[code >> 4]);
        send("0123456789abcdef"[code & 0xf]);
    }
}

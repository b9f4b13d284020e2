// keyboard.c: the keyboard's controller, Intel's 8042 or what stands
// for it. It has two connectors; the second one, for a mouse, stays
// off. Intel UPI-42 data sheet; IBM PS/2 Hardware Interface Technical
// Reference, "Keyboard and Auxiliary Device Controller".

#include "keyboard.h"

#include <stdint.h>

#include "cpu.h"
#include "input.h"
#include "interrupts.h"
#include "scancodes.h"

enum {
    DATA    = 0x60,
    STATUS  = 0x64,  // when read
    COMMAND = 0x64,  // when written

    STATUS_OUTPUT_FULL = 0x01,  // there is a byte to be read from DATA
    STATUS_INPUT_FULL  = 0x02,  // the last byte has not been taken yet
    STATUS_FROM_MOUSE  = 0x20,

    // To the controller.
    READ_CONFIGURATION  = 0x20,
    WRITE_CONFIGURATION = 0x60,
    DISABLE_MOUSE       = 0xa7,
    DISABLE_KEYBOARD    = 0xad,
    ENABLE_KEYBOARD     = 0xae,

    CONFIG_KEYBOARD_INTERRUPT = 0x01,
    CONFIG_MOUSE_INTERRUPT    = 0x02,
    CONFIG_TRANSLATE          = 0x40,  // set 2 into set 1

    // To the keyboard.
    ENABLE_SCANNING = 0xf4,
};

// A byte takes about a millisecond, a poll about a microsecond.
enum { PATIENCE = 100000 };

static struct scancodes state;

static bool wait_for(uint8_t mask, uint8_t value)
{
    for (int i = 0; i < PATIENCE; i++)
        if ((inb(STATUS) & mask) == value)
            return true;
    return false;
}

static bool send(uint16_t port, uint8_t byte)
{
    if (!wait_for(STATUS_INPUT_FULL, 0))
        return false;
    outb(port, byte);
    return true;
}

// Drops what has been typed before, and answers that nobody waits for.
// A controller that always has more is broken, and no reason to hang.
static void drop_output(void)
{
    for (int i = 0; i < PATIENCE; i++) {
        if ((inb(STATUS) & STATUS_OUTPUT_FULL) == 0)
            return;
        inb(DATA);
    }
}

static bool configure(void)
{
    uint8_t config;

    if (!send(COMMAND, READ_CONFIGURATION) ||
        !wait_for(STATUS_OUTPUT_FULL, STATUS_OUTPUT_FULL))
        return false;
    config = inb(DATA);
    config |= CONFIG_KEYBOARD_INTERRUPT | CONFIG_TRANSLATE;
    config &= ~CONFIG_MOUSE_INTERRUPT;
    return send(COMMAND, WRITE_CONFIGURATION) && send(DATA, config);
}

// More than one byte may wait: the line has gone up once for all that
// came before we looked. The first one is the keyboard's answer to
// ENABLE_SCANNING, which to the decoder is the release of no key.
static void handle(struct trap_frame *frame)
{
    (void)frame;
    for (int i = 0; i < PATIENCE; i++) {
        uint8_t status = inb(STATUS), byte;

        if ((status & STATUS_OUTPUT_FULL) == 0)
            return;
        byte = inb(DATA);
        if ((status & STATUS_FROM_MOUSE) == 0)
            input_put(scancode_decode(&state, byte));
    }
}

bool keyboard_init(void)
{
    if (!send(COMMAND, DISABLE_KEYBOARD) ||
        !send(COMMAND, DISABLE_MOUSE))
        return false;
    drop_output();
    if (!configure() || !send(COMMAND, ENABLE_KEYBOARD) ||
        !send(DATA, ENABLE_SCANNING))
        return false;
    interrupt_set_handler(IRQ_KEYBOARD, handle);
    return true;
}

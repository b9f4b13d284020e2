// pic.c: the interrupt controllers. The second one's output is an input
// of the first one, whose output is the CPU's pin INTR:
//
//      0 timer      ---+
//      1 keyboard   ---+
//      2            ---+--- first ---- CPU
//      ...             |
//      7 parallel   ---+
//
//      8 clock      ---+
//      ...             +--- second --- line 2 of the first
//      15 disk      ---+
//
// A raised line sets a bit of the request register. When the CPU asks
// for the vector the bit moves to the in-service register, and stays
// there until the end of interrupt. Intel 8259A data sheet.

#include "pic.h"

#include <stdint.h>

#include "cpu.h"
#include "panic.h"

enum {
    PIC1_COMMAND = 0x20,
    PIC1_DATA    = 0x21,
    PIC2_COMMAND = 0xa0,
    PIC2_DATA    = 0xa1,
};

// Initialization and operation command words.
enum {
    ICW1_INIT = 0x10,  // three more words follow through the data port
    ICW1_ICW4 = 0x01,
    ICW4_8086 = 0x01,

    OCW2_SPECIFIC_EOI    = 0x60,  // and the line
    OCW3_READ_IN_SERVICE = 0x0b,
};

enum {
    CASCADE = 2,  // the first one's line that comes from the second
    LAST    = 7,  // what a controller answers if it has no request
};

static uint8_t masked[2];

static uint16_t command_port(int line)
{
    return line < 8 ? PIC1_COMMAND : PIC2_COMMAND;
}

static void write_mask(int line)
{
    outb(line < 8 ? PIC1_DATA : PIC2_DATA, masked[line / 8]);
}

// Old controllers need about a microsecond from one word to the next. A
// write to port 0x80, for the firmware's progress codes, takes as long.
static void send(uint16_t port, uint8_t word)
{
    outb(port, word);
    outb(0x80, 0);
}

static void init(uint16_t command, uint8_t vector, uint8_t wiring)
{
    uint16_t data = command + 1;

    send(command, ICW1_INIT | ICW1_ICW4);
    send(data, vector);
    send(data, wiring);
    send(data, ICW4_8086);
}

void pic_init(int first_vector)
{
    assert(first_vector % 8 == 0);
    init(PIC1_COMMAND, first_vector, 1 << CASCADE);
    init(PIC2_COMMAND, first_vector + 8, CASCADE);
    masked[0] = (uint8_t) ~(1 << CASCADE);
    masked[1] = 0xff;
    write_mask(0);
    write_mask(8);
}

void pic_mask(int line)
{
    masked[line / 8] |= 1 << line % 8;
    write_mask(line);
}

void pic_unmask(int line)
{
    masked[line / 8] &= ~(1 << line % 8);
    write_mask(line);
}

static void end(uint16_t command, int line)
{
    outb(command, OCW2_SPECIFIC_EOI | line);
}

static bool is_in_service(int line)
{
    outb(command_port(line), OCW3_READ_IN_SERVICE);
    return inb(command_port(line)) >> line % 8 & 1;
}

// A request that goes away before the CPU asks for its vector leaves a
// controller without an answer: it gives the vector of its last line.
// If it was the second one, the first one did have a request, the
// second's. Intel 8259A data sheet, "Edge and Level Triggered Modes".
bool pic_is_spurious(int line)
{
    if (line % 8 != LAST || is_in_service(line))
        return false;
    if (line >= 8)
        end(PIC1_COMMAND, CASCADE);
    return true;
}

void pic_end_of_interrupt(int line)
{
    end(command_port(line), line % 8);
    if (line >= 8)
        end(PIC1_COMMAND, CASCADE);
}

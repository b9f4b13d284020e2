// serial.c: how COM1 is set up, and which bytes leave it. They are read
// back in loopback mode, in which nothing goes out.

#include "ktap.h"

#include "cpu.h"
#include "serial.h"

enum {
    UART_DATA = 0x3f8,
    UART_IER  = 0x3f9,
    UART_IIR  = 0x3fa,
    UART_LCR  = 0x3fb,
    UART_MCR  = 0x3fc,
    UART_LSR  = 0x3fd,

    IIR_FIFOS      = 0xc0,
    LCR_8N1        = 0x03,
    LCR_DLAB       = 0x80,
    MCR_READY      = 0x0b,  // DTR, RTS, OUT2
    MCR_LOOP       = 0x10,
    LSR_DATA_READY = 0x01,
};

static bool received(void)
{
    return inb(UART_LSR) & LSR_DATA_READY;
}

static void loop_on(void)
{
    outb(UART_MCR, MCR_LOOP);
}

static void loop_off(void)
{
    while (received())
        inb(UART_DATA);
    outb(UART_MCR, MCR_READY);
}

TEST(port_is_found)
{
    CHECK(serial_init());
}

TEST(init_leaves_the_line_as_promised)
{
    uint16_t divisor;

    serial_init();
    CHECK_EQ(inb(UART_LCR), LCR_8N1);
    CHECK_EQ(inb(UART_MCR), MCR_READY);
    CHECK_EQ(inb(UART_IER), 0);
    CHECK_EQ(inb(UART_IIR) & IIR_FIFOS, IIR_FIFOS);

    outb(UART_LCR, LCR_DLAB | LCR_8N1);
    divisor = inb(UART_DATA) | inb(UART_IER) << 8;
    outb(UART_LCR, LCR_8N1);
    CHECK_EQ(divisor, 1);
}

TEST(init_changes_any_earlier_state)
{
    uint16_t divisor;

    outb(UART_LCR, LCR_DLAB);
    outb(UART_DATA, 0x80);
    outb(UART_IER, 0x01);
    outb(UART_LCR, 0x1b);
    outb(UART_IER, 0x0f);
    outb(UART_MCR, MCR_LOOP);
    CHECK(serial_init());

    CHECK_EQ(inb(UART_LCR), LCR_8N1);
    CHECK_EQ(inb(UART_MCR), MCR_READY);
    CHECK_EQ(inb(UART_IER), 0);
    outb(UART_LCR, LCR_DLAB | LCR_8N1);
    divisor = inb(UART_DATA) | inb(UART_IER) << 8;
    outb(UART_LCR, LCR_8N1);
    CHECK_EQ(divisor, 1);
}

TEST(init_leaves_no_byte_behind)
{
    loop_on();
    outb(UART_DATA, 'x');
    CHECK(serial_init());
    CHECK(!received());
}

TEST(bytes_go_out_as_they_are)
{
    serial_init();
    for (int code = 0; code < 256; code++) {
        if (code == '\n')
            continue;
        loop_on();
        serial_putc((char)code);
        CHECK(received());
        CHECK_EQ(inb(UART_DATA), code);
        CHECK(!received());
        loop_off();
    }
}

TEST(carriage_return_precedes_newline)
{
    serial_init();
    loop_on();
    serial_putc('\n');
    CHECK_EQ(inb(UART_DATA), '\r');
    CHECK_EQ(inb(UART_DATA), '\n');
    CHECK(!received());
    loop_off();
}

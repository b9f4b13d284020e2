// serial.c: bytes on the wire, through a 16550 UART. National
// Semiconductor, PC16550D data sheet, "Registers".

#include "serial.h"

#include <stdint.h>

#include "cpu.h"
#include "input.h"
#include "interrupts.h"
#include "terminal.h"

enum {
    COM1 = 0x3f8,

    UART_DATA    = COM1 + 0,
    UART_IER     = COM1 + 1,  // interrupt enable
    UART_FCR     = COM1 + 2,  // FIFO control
    UART_LCR     = COM1 + 3,  // line control
    UART_MCR     = COM1 + 4,  // modem control
    UART_LSR     = COM1 + 5,  // line status
    DIVISOR_LOW  = COM1 + 0,  // these two while LCR_DLAB is set
    DIVISOR_HIGH = COM1 + 1,

    IER_RECEIVED = 0x01,

    LCR_8N1  = 0x03,
    LCR_DLAB = 0x80,  // divisor latch access bit

    FCR_ENABLE = 0x01,
    FCR_CLEAR  = 0x06,  // both FIFOs

    MCR_DTR  = 0x01,  // data terminal ready
    MCR_RTS  = 0x02,  // request to send
    MCR_OUT2 = 0x08,  // lets the interrupt line through
    MCR_LOOP = 0x10,  // what is sent comes back

    LSR_DATA_READY = 0x01,
    LSR_THRE       = 0x20,  // transmitter holding register empty

    CLOCK = 115200,
    BAUD  = 115200,
};

// A byte takes 87 us, a poll on real hardware about 1.
enum { PATIENCE = 100000 };

static struct terminal terminal;  // at the other end

static bool wait_for(uint8_t status)
{
    for (int i = 0; i < PATIENCE; i++)
        if (inb(UART_LSR) & status)
            return true;
    return false;
}

static void set_baud(int baud)
{
    int divisor = CLOCK / baud;

    outb(UART_LCR, LCR_DLAB);
    outb(DIVISOR_LOW, divisor & 0xff);
    outb(DIVISOR_HIGH, divisor >> 8);
    outb(UART_LCR, LCR_8N1);
}

// Sends a byte to itself. An absent port reads as all ones: it seems
// ready, and fails because another byte comes back.
static bool test(void)
{
    const uint8_t probe = 0xae;
    bool good;

    outb(UART_MCR, MCR_LOOP);
    outb(UART_DATA, probe);
    good = wait_for(LSR_DATA_READY) && inb(UART_DATA) == probe;
    outb(UART_MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
    return good;
}

bool serial_init(void)
{
    outb(UART_IER, 0);
    set_baud(BAUD);
    outb(UART_FCR, FCR_ENABLE | FCR_CLEAR);
    return test();
}

void serial_putc(char c)
{
    if (c == '\n')
        serial_putc('\r');
    if (wait_for(LSR_THRE))
        outb(UART_DATA, c);
}

// The line goes up with the first byte, and down when there is none
// left. Who leaves one never hears of the next; but a port that always
// has more is broken, and no reason to hang.
static void handle(struct trap_frame *frame)
{
    (void)frame;
    for (int i = 0; i < PATIENCE; i++) {
        if ((inb(UART_LSR) & LSR_DATA_READY) == 0)
            return;
        input_put(terminal_decode(&terminal, inb(UART_DATA)));
    }
}

void serial_listen(void)
{
    interrupt_set_handler(IRQ_COM1, handle);
    outb(UART_IER, IER_RECEIVED);
}

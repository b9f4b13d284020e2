// devices.c: any bytes as what the keyboard's controller and the UART
// say, whatever they are asked. Nothing may go on for ever, and what
// has been received is what comes in, in its order.

#include "host/host.h"
#include "input.h"
#include "interrupts.h"
#include "keyboard.h"
#include "scancodes.h"
#include "serial.h"
#include "terminal.h"

enum { PATIENCE = 3000000 };  // reads; the kernel's is 100,000 a wait
enum { KEYBOARD_DATA = 0x60, KEYBOARD_STATUS = 0x64 };
enum { UART_DATA = 0x3f8, UART_STATUS = 0x3fd };

static struct bytes said;
static uint8_t last;  // goes on for ever, once all has been said
static uint8_t status;
static size_t reads;
static bool listening;

static struct scancodes scancodes;  // of the model
static struct terminal terminal;
static uint64_t wanted, heard;  // sums over keys, in their order

static exception_handler *handlers[IRQS];

void outb(uint16_t port, uint8_t value)
{
    (void)port;
    (void)value;
}

static void want(int key)
{
    if (key != KEY_NONE)
        wanted = wanted * 31 + key;
}

uint8_t inb(uint16_t port)
{
    uint8_t byte = bytes_left(&said) ? take_byte(&said) : last;

    CHECK(reads++ < PATIENCE);
    if (port == KEYBOARD_STATUS || port == UART_STATUS)
        status = byte;
    if (listening && port == KEYBOARD_DATA && !(status & 0x20))
        want(scancode_decode(&scancodes, byte));
    if (listening && port == UART_DATA)
        want(terminal_decode(&terminal, byte));
    return byte;
}

void input_put(int key)
{
    if (key != KEY_NONE)
        heard = heard * 31 + key;
}

void interrupt_set_handler(enum irq line, exception_handler *handler)
{
    CHECK(line == IRQ_KEYBOARD || line == IRQ_COM1);
    handlers[line] = handler;
}

static void interrupt(enum irq line)
{
    struct trap_frame frame = {0};

    wanted = heard = reads = 0;
    if (handlers[line])
        handlers[line](&frame);
    CHECK(heard == wanted);
}

// The decoders go on where they were: the model's do the same.
static void reset(const uint8_t *data, size_t size)
{
    said      = (struct bytes){data, data + size};
    last      = take_byte(&said);
    listening = true;
    reads     = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reset(data, size);
    listening = false;
    if (serial_init())
        serial_listen();
    reads = 0;
    if (keyboard_init())
        CHECK(handlers[IRQ_KEYBOARD]);
    reads = 0;
    serial_putc('\n');
    listening = true;
    interrupt(IRQ_KEYBOARD);
    interrupt(IRQ_COM1);
    return 0;
}

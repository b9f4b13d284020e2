// serial_receive.c: what comes in through COM1. In loopback mode that
// is what goes out.

#include "taken.h"

#include "lines.h"
#include "serial.h"

enum {
    UART_DATA = 0x3f8,
    UART_IER  = 0x3f9,
    UART_MCR  = 0x3fc,
    UART_LSR  = 0x3fd,

    IER_RECEIVED   = 0x01,
    MCR_LOOP       = 0x1b,  // and ready otherwise
    MCR_READY      = 0x0b,
    LSR_DATA_READY = 0x01,

    FIFO = 16,
};

static void loop_on(void)
{
    quiet();
    take_all();
    CHECK(serial_init());
    outb(UART_MCR, MCR_LOOP);
}

static void loop_off(void)
{
    outb(UART_IER, 0);
    while (inb(UART_LSR) & LSR_DATA_READY)
        inb(UART_DATA);
    outb(UART_MCR, MCR_READY);
    quiet();
}

static void receive(const char *bytes)
{
    for (; *bytes != '\0'; bytes++)
        outb(UART_DATA, *bytes);
}

static uint64_t heard(void)
{
    return interrupt_count(IRQ_COM1);
}

TEST(only_what_is_received_is_heard)
{
    loop_on();
    serial_listen();
    CHECK_EQ(inb(UART_IER), IER_RECEIVED);
    CHECK_EQ(masked_lines(), 0xffeb);
    loop_off();
}

TEST(nothing_is_heard_before)
{
    uint64_t before = heard();

    loop_on();
    receive("a");
    take_interrupts();
    CHECK_EQ(heard(), before);
    CHECK(takes(""));
    loop_off();
}

TEST(byte_is_put_into_the_queue)
{
    uint64_t before = heard();

    loop_on();
    serial_listen();
    for (int i = 1; i <= 20; i++) {
        receive("a");
        take_interrupts();
        CHECK(takes("a"));
        CHECK_EQ(heard(), before + i);
    }
    loop_off();
}

// One interrupt for all of them; and then there are others.
TEST(all_bytes_of_the_wire_are_taken)
{
    static const char bytes[] = "0123456789abcdef";
    uint64_t before           = heard();

    _Static_assert(sizeof(bytes) == FIFO + 1,
                   "as many as there can be");
    loop_on();
    serial_listen();
    for (int i = 0; i < 5; i++) {
        receive(bytes);
        take_interrupts();
        CHECK(takes(bytes));
    }
    CHECK_EQ(heard(), before + 5);
    loop_off();
}

TEST(what_came_before_is_heard_too)
{
    loop_on();
    receive("xyz");
    serial_listen();
    take_interrupts();
    CHECK(takes("xyz"));
    receive("a");
    take_interrupts();
    CHECK(takes("a"));
    loop_off();
}

TEST(sequences_become_keys)
{
    loop_on();
    serial_listen();
    receive("a\r\x7f\x1b[A\x1b[3~");
    take_interrupts();
    CHECK_EQ(take_all(), 5);
    CHECK_EQ(taken[0], 'a');
    CHECK_EQ(taken[1], '\n');
    CHECK_EQ(taken[2], '\b');
    CHECK_EQ(taken[3], KEY_UP);
    CHECK_EQ(taken[4], KEY_DELETE);
    loop_off();
}

TEST(sequence_may_come_in_pieces)
{
    static const char *const bytes[] = {"\x1b", "[", "5", "~"};

    loop_on();
    serial_listen();
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(take_all(), 0);
        receive(bytes[i]);
        take_interrupts();
    }
    CHECK_EQ(take_all(), 1);
    CHECK_EQ(taken[0], KEY_PAGE_UP);
    loop_off();
}

// Not even an interrupt.
TEST(sending_is_not_heard)
{
    uint64_t before = heard();

    quiet();
    take_all();
    CHECK(serial_init());
    serial_listen();
    sti();
    serial_putc('\n');
    cli();
    take_interrupts();
    CHECK_EQ(heard(), before);
    CHECK_EQ(take_all(), 0);
    loop_off();
}

// Nothing takes them out: the line hears of what comes then all the
// same.
TEST(bytes_may_be_too_many)
{
    loop_on();
    serial_listen();
    for (int i = 0; i < 10; i++) {
        receive("0123456789abcdef");
        take_interrupts();
    }
    CHECK_EQ(input_lost(), 160 - 128);
    CHECK_EQ(take_all(), 128);
    receive("b");
    take_interrupts();
    CHECK(takes("b"));
    loop_off();
}

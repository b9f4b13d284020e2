// interrupts.c: what an interrupt costs the interrupted program, in
// instructions: from the one before it to the one behind it.

#include "../rdtsc.h"
#include "ktap.h"

#include "cpu.h"
#include "idt.h"
#include "input.h"
#include "interrupts.h"
#include "keyboard.h"
#include "serial.h"
#include "timer.h"

enum {
    KEYBOARD_DATA    = 0x60,
    KEYBOARD_COMMAND = 0x64,
    FROM_KEYBOARD    = 0xd2,  // the next byte comes as if typed
    CODE_A           = 0x1e,

    UART_DATA = 0x3f8,
    UART_MCR  = 0x3fc,
    MCR_LOOP  = 0x1b,
    MCR_READY = 0x0b,
};

// Instructions until what waits has been handled.
static __attribute__((noinline)) uint64_t time_enabled(void)
{
    uint64_t start = rdtsc();

    asm volatile("sti; nop; cli" : : : "memory");
    return rdtsc() - start;
}

// Twice, to have been there. Reported last: what is raised may need the
// wire.
static uint64_t cost(void (*raise)(void))
{
    uint64_t instructions = 0;

    for (int i = 0; i < 2; i++) {
        raise();
        instructions = time_enabled();
        instructions -= time_enabled();
    }
    return instructions;
}

static void tell(const char *name, uint64_t instructions)
{
    ktap_value(name, instructions, "instructions");
}

static void start(void)
{
    cli();
    idt_init();
    interrupts_init();
}

static void wait_for_tick(void)
{
    timer_spin(11000);
}

TEST(timer)
{
    start();
    timer_init();
    tell("timer_tick", cost(wait_for_tick));
    CHECK_EQ(interrupt_count(IRQ_TIMER), 2);
}

static void press(void)
{
    outb(KEYBOARD_COMMAND, FROM_KEYBOARD);
    outb(KEYBOARD_DATA, CODE_A);
}

// After what the keyboard answers.
TEST(key)
{
    start();
    CHECK(keyboard_init());
    interrupts_wait();
    tell("key_press", cost(press));
    CHECK_EQ(input_get(), 'a');
    CHECK_EQ(input_get(), 'a');
    CHECK_EQ(interrupt_count(IRQ_KEYBOARD), 3);
}

static void receive(void)
{
    outb(UART_DATA, 'b');
}

TEST(byte)
{
    uint64_t instructions;

    start();
    CHECK(serial_init());
    outb(UART_MCR, MCR_LOOP);
    serial_listen();
    instructions = cost(receive);
    outb(UART_MCR, MCR_READY);
    tell("serial_byte", instructions);
    CHECK_EQ(input_get(), 'b');
    CHECK_EQ(input_get(), 'b');
    CHECK_EQ(interrupt_count(IRQ_COM1), 2);
}

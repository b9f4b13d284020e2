// keyboard.c: a keyboard that types by command. The controller can be
// told to let a byte come, as from its keyboard or its mouse. IBM PS/2
// Hardware Interface Technical Reference, "Keyboard and Auxiliary
// Device Controller".

#include "taken.h"

#include "keyboard.h"
#include "lines.h"

enum {
    DATA    = 0x60,
    STATUS  = 0x64,
    COMMAND = 0x64,

    OUTPUT_FULL = 0x01,
    INPUT_FULL  = 0x02,

    READ_CONFIGURATION  = 0x20,
    WRITE_CONFIGURATION = 0x60,
    FROM_KEYBOARD       = 0xd2,
    FROM_MOUSE          = 0xd3,

    CONFIG_KEYBOARD    = 0x01,
    CONFIG_MOUSE       = 0x02,
    CONFIG_NO_KEYBOARD = 0x10,
    CONFIG_TRANSLATE   = 0x40,
};

static void send(uint16_t port, uint8_t byte)
{
    while (inb(STATUS) & INPUT_FULL)
        ;
    outb(port, byte);
}

static void come(uint8_t source, uint8_t byte)
{
    send(COMMAND, source);
    send(DATA, byte);
}

// The answer to what keyboard_init said last, and anything else.
static void start(void)
{
    quiet();
    CHECK(keyboard_init());
    take_interrupts();
    take_interrupts();
    while (inb(STATUS) & OUTPUT_FULL)
        inb(DATA);
    take_all();
}

static uint64_t heard(void)
{
    return interrupt_count(IRQ_KEYBOARD);
}

TEST(keyboard_is_found_and_heard)
{
    quiet();
    CHECK(keyboard_init());
    CHECK_EQ(masked_lines(), 0xfff9);
    quiet();
}

TEST(controller_is_configured)
{
    uint8_t config;

    start();
    pic_mask(IRQ_KEYBOARD);
    send(COMMAND, READ_CONFIGURATION);
    while ((inb(STATUS) & OUTPUT_FULL) == 0)
        ;
    config = inb(DATA);
    CHECK(config & CONFIG_KEYBOARD);
    CHECK(!(config & CONFIG_MOUSE));
    CHECK(!(config & CONFIG_NO_KEYBOARD));
    CHECK(config & CONFIG_TRANSLATE);
    quiet();
}

TEST(any_earlier_configuration_will_do)
{
    quiet();
    send(COMMAND, WRITE_CONFIGURATION);
    send(DATA, CONFIG_MOUSE | CONFIG_NO_KEYBOARD);
    start();
    come(FROM_KEYBOARD, 0x1e);
    take_interrupts();
    CHECK(takes("a"));
    quiet();
}

// The line goes up with a byte only if there was none before.
TEST(byte_of_before_does_not_silence_it)
{
    quiet();
    come(FROM_KEYBOARD, 0x1f);
    start();
    come(FROM_KEYBOARD, 0x1e);
    take_interrupts();
    CHECK(takes("a"));
    quiet();
}

TEST(answer_of_the_keyboard_is_no_key)
{
    quiet();
    take_all();
    CHECK(keyboard_init());
    take_interrupts();
    take_interrupts();
    CHECK(takes(""));
    quiet();
}

TEST(keys_are_typed)
{
    static const uint8_t codes[] = {0x23, 0xa3, 0x2a, 0x17,
                                    0x97, 0xaa, 0x1c, 0x9c};
    uint64_t before;

    start();
    before = heard();
    for (int i = 0; i < 8; i++) {
        come(FROM_KEYBOARD, codes[i]);
        take_interrupts();
        CHECK_EQ(heard(), before + 1 + i);
    }
    CHECK(takes("hI\n"));
    quiet();
}

TEST(extended_key_is_typed)
{
    start();
    come(FROM_KEYBOARD, 0xe0);
    take_interrupts();
    CHECK_EQ(take_all(), 0);
    come(FROM_KEYBOARD, 0x48);
    take_interrupts();
    CHECK_EQ(take_all(), 1);
    CHECK_EQ(taken[0], KEY_UP);
    quiet();
}

// Nobody hears the mouse: the byte lies there when the keyboard is
// looked at.
TEST(mouse_byte_is_dropped)
{
    start();
    come(FROM_MOUSE, 0x1e);
    asm volatile("int $33");
    CHECK(!(inb(STATUS) & OUTPUT_FULL));
    CHECK(takes(""));
    come(FROM_KEYBOARD, 0x1f);
    take_interrupts();
    CHECK(takes("s"));
    quiet();
}

TEST(interrupt_without_a_byte_is_none)
{
    start();
    asm volatile("int $33");
    CHECK(takes(""));
    quiet();
}

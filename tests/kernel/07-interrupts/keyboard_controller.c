// keyboard_controller.c: how the keyboard's controller is spoken to,
// with one of our own: slow, with bytes that wait, deaf, mute, or not
// there.

#include "taken.h"

#include "lines.h"
#include "string.h"

enum { MOST = 64, MOUSE = 0x100 };

static struct {
    bool absent, deaf, mute, endless;
    int busy;              // reads of the status until a byte is taken
    int busy_after_write;  // how long that takes
    bool keyboard_off, mouse_off, writing_config;
    uint8_t config;
    int waiting[MOST], first, count;  // bytes to be read
    uint8_t commands[MOST], data[MOST];
    int n_commands, n_data;
    int looks;  // at the status
} chip;

static void come(int byte)
{
    chip.waiting[chip.count++] = byte;
}

static uint8_t status(void)
{
    uint8_t value = 0;

    chip.looks++;
    if (chip.busy > 0)
        chip.busy--;
    if (chip.deaf || chip.busy > 0)
        value |= 0x02;
    if (chip.endless || (chip.first < chip.count && !chip.mute))
        value |= 0x01;
    if (chip.first < chip.count && chip.waiting[chip.first] & MOUSE)
        value |= 0x20;
    return value;
}

static uint8_t our_inb(uint16_t port)
{
    if (chip.absent)
        return 0xff;
    if (port == 0x64)
        return status();
    CHECK_EQ(port, 0x60);
    if (chip.endless)
        return 0x1e;
    CHECK(chip.first < chip.count);
    return chip.waiting[chip.first++];
}

static void take_command(uint8_t command)
{
    chip.commands[chip.n_commands++] = command;
    if (command == 0xad)
        chip.keyboard_off = true;
    else if (command == 0xae)
        chip.keyboard_off = false;
    else if (command == 0xa7)
        chip.mouse_off = true;
    else if (command == 0x20)
        come(chip.config);
    chip.writing_config = command == 0x60;
}

static void take_data(uint8_t byte)
{
    if (chip.writing_config)
        chip.config = byte;
    else
        chip.data[chip.n_data++] = byte;
    chip.writing_config = false;
}

static void our_outb(uint16_t port, uint8_t byte)
{
    if (chip.absent)
        return;
    CHECK_EQ(chip.busy, 0);  // what comes too early is lost
    chip.busy = chip.busy_after_write;
    if (port == 0x64)
        take_command(byte);
    else if (CHECK_EQ(port, 0x60))
        take_data(byte);
}

static exception_handler *handler;

static void our_set_handler(enum irq line, exception_handler *function)
{
    CHECK_EQ(line, IRQ_KEYBOARD);
    handler = function;
}

#define inb                   our_inb
#define outb                  our_outb
#define interrupt_set_handler our_set_handler
#define keyboard_init         our_keyboard_init
#include <keyboard.c>
#undef inb
#undef outb

static void start(void)
{
    quiet();
    memset(&chip, 0, sizeof(chip));
    chip.busy_after_write = 5;
    handler               = NULL;
    take_all();
}

TEST(controller_is_told_what_to_do)
{
    static const uint8_t commands[] = {0xad, 0xa7, 0x20, 0x60, 0xae};

    start();
    CHECK(our_keyboard_init());
    CHECK_EQ(chip.n_commands, sizeof(commands));
    CHECK(memcmp(chip.commands, commands, sizeof(commands)) == 0);
    CHECK_EQ(chip.n_data, 1);
    CHECK_EQ(chip.data[0], 0xf4);
    CHECK(!chip.keyboard_off);
    CHECK(chip.mouse_off);
    CHECK(handler != NULL);
}

// Three bits of it; the others stay.
TEST(configuration_is_changed_and_not_replaced)
{
    start();
    CHECK(our_keyboard_init());
    CHECK_EQ(chip.config, 0x41);
    start();
    chip.config = 0x3e;
    CHECK(our_keyboard_init());
    CHECK_EQ(chip.config, 0x7d);
    start();
    chip.config = 0xff;
    CHECK(our_keyboard_init());
    CHECK_EQ(chip.config, 0xfd);
}

// They are not taken for the configuration.
TEST(what_waits_already_is_dropped)
{
    start();
    chip.config = 0x04;
    for (int i = 0; i < 16; i++)
        come(0x1e);
    CHECK(our_keyboard_init());
    CHECK_EQ(chip.config, 0x45);
    CHECK(takes(""));
}

TEST(slow_controller_is_waited_for)
{
    start();
    chip.busy_after_write = 1000;
    CHECK(our_keyboard_init());
    CHECK_EQ(chip.data[0], 0xf4);
}

static void check_none(void)
{
    CHECK(!our_keyboard_init());
    CHECK(handler == NULL);
}

TEST(no_controller_is_no_keyboard)
{
    start();
    chip.absent = true;
    check_none();
}

TEST(deaf_controller_is_no_keyboard)
{
    start();
    chip.deaf = true;
    check_none();
    CHECK(chip.looks > 10000);
    CHECK_EQ(chip.n_commands, 0);
}

TEST(mute_controller_is_no_keyboard)
{
    start();
    chip.mute = true;
    check_none();
    CHECK(chip.looks > 10000);
}

TEST(endless_output_has_an_end)
{
    start();
    chip.endless = true;
    our_keyboard_init();
    CHECK(chip.looks < 10000000);
}

static void handle_all(void)
{
    handler(NULL);
    CHECK_EQ(chip.first, chip.count);
}

TEST(all_codes_that_wait_are_taken)
{
    start();
    CHECK(our_keyboard_init());
    come(0xfa);
    come(0x1e);
    come(0x9e);
    come(0x30);
    handle_all();
    CHECK(takes("ab"));
    handle_all();
    come(0x2e);
    handle_all();
    CHECK(takes("c"));
}

TEST(bytes_of_the_mouse_are_dropped)
{
    start();
    CHECK(our_keyboard_init());
    come(MOUSE | 0x1e);
    handle_all();
    CHECK(takes(""));
    come(0x2a);
    come(MOUSE | 0xaa);
    come(0x1e);
    come(MOUSE | 0xe0);
    come(0x30);
    come(0xaa);
    handle_all();
    CHECK(takes("AB"));
}

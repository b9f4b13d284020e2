// check.c: what escape sequences do to the screen, and do not do to the
// text. A text color may be a bright one.

#include "ktap.h"

#include "console.h"
#include "string.h"
#include "vga.h"

enum { COLUMNS = 80, GREY = 0x07, WHITE_ON_RED = 0x4f };

static volatile uint16_t *const cells = (volatile uint16_t *)0xb8000;

// The order of the terminals: black, red, green, yellow, blue, ...
static const uint8_t colors[8] = {
    VGA_BLACK, VGA_RED,     VGA_GREEN, VGA_BROWN,
    VGA_BLUE,  VGA_MAGENTA, VGA_CYAN,  VGA_LIGHT_GREY,
};

static void write(const char *text)
{
    for (; *text != '\0'; text++)
        vga_putc(*text);
}

static char character(int cell)
{
    return cells[cell] & 0xff;
}

static uint8_t color(int cell)
{
    return cells[cell] >> 8;
}

// Is the text on the screen, in any row?
static bool shown(const char *text)
{
    for (int i = 0; i < 25 * COLUMNS; i++) {
        size_t n = 0;

        while (text[n] != '\0' && character(i + n) == text[n])
            n++;
        if (text[n] == '\0')
            return true;
    }
    return false;
}

static void write_color(char tens, int number)
{
    char sequence[] = {'\033', '[', tens, '0' + number, 'm', '\0'};

    write(sequence);
}

static void check_characters(const char *text)
{
    char got[COLUMNS + 1] = "";

    for (int i = 0; text[i] != '\0'; i++)
        got[i] = character(i);
    CHECK_TEXT(got, text);
}

TEST(sequences_take_no_cells)
{
    vga_init();
    write("a\033[31mb\033[44mc\033[0md");
    check_characters("abcd ");
}

TEST(text_colors)
{
    for (int i = 0; i < 8; i++) {
        vga_init();
        write_color('3', i);
        write("x");
        if (!CHECK_EQ(color(0) & 0x07, colors[i]) ||
            !CHECK_EQ(color(0) >> 4, VGA_BLACK))
            return;
    }
}

TEST(backgrounds)
{
    for (int i = 0; i < 8; i++) {
        vga_init();
        write_color('4', i);
        write("x");
        if (!CHECK_EQ(color(0) & 0x0f, VGA_LIGHT_GREY) ||
            !CHECK_EQ(color(0) >> 4, colors[i]))
            return;
    }
}

TEST(text_color_and_background_are_apart)
{
    vga_init();
    write("\033[33m\033[44mx\033[32my");
    check_characters("xy");
    CHECK_EQ(color(0) & 0x77, VGA_BLUE << 4 | VGA_BROWN);
    CHECK_EQ(color(1) & 0x77, VGA_BLUE << 4 | VGA_GREEN);
}

TEST(zero_returns_to_normal)
{
    vga_init();
    write("\033[31m\033[44mx\033[0my");
    check_characters("xy");
    CHECK_EQ(color(1), GREY);
}

TEST(set_color_works_as_before)
{
    vga_init();
    write("\033[32m\033[44m");
    vga_set_color(VGA_WHITE, VGA_RED);
    write("x\033[0my");
    check_characters("xy");
    CHECK_EQ(color(0), WHITE_ON_RED);
    CHECK_EQ(color(1), GREY);
}

// After the sequence, soon or late, text is text again.
static void check_survives(const char *sequence)
{
    vga_init();
    write(sequence);
    for (int i = 0; i < 10; i++)
        write("\nmore text");
    write("\nafter it");
    CHECK(shown("after it"));
    vga_init();
    write("\033[31mx");
    check_characters("x");
    CHECK_EQ(color(0) & 0x07, VGA_RED);
}

TEST(text_goes_on_after_an_unknown_sequence)
{
    check_survives("\033[99m");
    check_survives("\033[5A");
    check_survives("\033c");
    check_survives("\033[?25h");
    check_survives("\033[m");
    check_survives("\033[31;44m");
    check_survives("\033[99999999999999999999m");
}

TEST(text_goes_on_after_an_open_sequence)
{
    check_survives("\033");
    check_survives("\033[");
    check_survives("\033[3");
    check_survives("\033\033\033");
    check_survives("\033[31\033[32");
}

static char sent[64];
static size_t count;

static void sink(char c)
{
    if (count < sizeof(sent) - 1)
        sent[count++] = c;
}

TEST(other_sinks_get_sequences_unchanged)
{
    const char *text = "a\033[31mb\033[0m\n";

    vga_init();
    console_add_sink(vga_putc);
    console_add_sink(sink);
    for (const char *c = text; *c != '\0'; c++)
        console_putc(*c);
    CHECK_TEXT(sent, text);
}

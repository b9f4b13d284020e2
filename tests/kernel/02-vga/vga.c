// vga.c: what stands on the text screen, and where the cursor is.

#include "ktap.h"

#include "cpu.h"
#include "vga.h"

enum {
    COLUMNS = 80,
    ROWS    = 25,
    LAST    = ROWS - 1,

    CRTC_INDEX        = 0x3d4,
    CRTC_DATA         = 0x3d5,
    CRTC_CURSOR_START = 0x0a,
    CRTC_CURSOR_HIGH  = 0x0e,
    CRTC_CURSOR_LOW   = 0x0f,
    CURSOR_OFF        = 0x20,

    GREY         = 0x07,
    WHITE_ON_RED = 0x4f,
    BLANK        = GREY << 8 | ' ',
};

#define cells ((volatile uint16_t *)ktap_physical(0xb8000))

static uint16_t cell(int row, int column)
{
    return cells[row * COLUMNS + column];
}

static uint8_t crtc_read(uint8_t index)
{
    outb(CRTC_INDEX, index);
    return inb(CRTC_DATA);
}

static int cursor(void)
{
    return crtc_read(CRTC_CURSOR_HIGH) << 8 |
           crtc_read(CRTC_CURSOR_LOW);
}

static void write(const char *text)
{
    for (; *text != '\0'; text++)
        vga_putc(*text);
}

static void write_repeated(char c, int count)
{
    while (count-- > 0)
        vga_putc(c);
}

static void check_text(int row, int column, const char *text)
{
    for (; *text != '\0'; text++)
        CHECK_EQ(cell(row, column++), GREY << 8 | *text);
}

static void check_blank(int row, int from, int to)
{
    for (int column = from; column < to; column++)
        CHECK_EQ(cell(row, column), BLANK);
}

static void check_cursor(int row, int column)
{
    CHECK_EQ(cursor(), row * COLUMNS + column);
}

TEST(init_clears_the_screen)
{
    for (int i = 0; i < ROWS * COLUMNS; i++)
        cells[i] = WHITE_ON_RED << 8 | '?';
    vga_init();
    for (int row = 0; row < ROWS; row++)
        check_blank(row, 0, COLUMNS);
}

TEST(init_does_not_touch_what_follows)
{
    cells[ROWS * COLUMNS] = 0x1234;
    vga_init();
    CHECK_EQ(cells[ROWS * COLUMNS], 0x1234);
}

TEST(init_shows_the_cursor_in_the_first_cell)
{
    vga_init();
    write("somewhere");
    outb(CRTC_INDEX, CRTC_CURSOR_START);
    outb(CRTC_DATA, CURSOR_OFF);
    vga_init();
    check_cursor(0, 0);
    CHECK(!(crtc_read(CRTC_CURSOR_START) & CURSOR_OFF));
}

TEST(init_resets_the_color)
{
    vga_set_color(VGA_WHITE, VGA_RED);
    vga_init();
    vga_putc('a');
    CHECK_EQ(cell(0, 0), GREY << 8 | 'a');
}

TEST(text_goes_from_left_to_right)
{
    vga_init();
    write("abc");
    check_text(0, 0, "abc");
    check_blank(0, 3, COLUMNS);
    check_cursor(0, 3);
}

TEST(every_other_code_is_a_character)
{
    for (int code = 0; code < 256; code++) {
        if (code == '\n' || code == '\r' || code == '\t' ||
            code == '\b')
            continue;
        vga_init();
        vga_putc((char)code);
        CHECK_EQ(cell(0, 0), GREY << 8 | code);
        check_cursor(0, 1);
    }
}

TEST(newline_starts_the_next_row)
{
    vga_init();
    write("ab\nc");
    check_text(0, 0, "ab");
    check_blank(0, 2, COLUMNS);
    check_text(1, 0, "c");
    check_cursor(1, 1);
}

TEST(carriage_return_starts_the_same_row)
{
    vga_init();
    write("\nabc\rx");
    check_text(1, 0, "xbc");
    check_cursor(1, 1);
}

TEST(tab_goes_to_the_next_multiple_of_8)
{
    vga_init();
    write("\t");
    check_cursor(0, 8);
    write("\t");
    check_cursor(0, 16);
    write("1234567\t");
    check_cursor(0, 24);
    write("1\t");
    check_cursor(0, 32);
}

TEST(tab_leaves_what_it_passes)
{
    vga_init();
    write("abcdefghijk\r\tx");
    check_text(0, 0, "abcdefghxjk");
}

TEST(tab_after_the_last_stop_fills_the_row)
{
    vga_init();
    write_repeated('\t', 9);
    write("1\t");
    check_cursor(0, COLUMNS - 1);
    check_blank(1, 0, COLUMNS);
    write("\tx");
    check_text(1, 0, "x");
    check_blank(0, 73, COLUMNS);
    check_cursor(1, 1);
}

TEST(backspace_goes_left_and_leaves_the_character)
{
    vga_init();
    write("ab\b");
    check_text(0, 0, "ab");
    check_cursor(0, 1);
    write("x");
    check_text(0, 0, "ax");
}

TEST(backspace_stays_in_the_first_column)
{
    vga_init();
    write("a\n\b\b");
    check_cursor(1, 0);
    write("x");
    check_text(0, 0, "a");
    check_text(1, 0, "x");
}

TEST(full_row_wraps_at_the_next_character)
{
    vga_init();
    write_repeated('a', COLUMNS);
    CHECK_EQ(cell(0, COLUMNS - 1), GREY << 8 | 'a');
    check_blank(1, 0, COLUMNS);
    check_cursor(0, COLUMNS - 1);
    write("b");
    CHECK_EQ(cell(0, COLUMNS - 1), GREY << 8 | 'a');
    check_text(1, 0, "b");
    check_cursor(1, 1);
}

TEST(newline_after_a_full_row_leaves_no_empty_one)
{
    vga_init();
    write_repeated('a', COLUMNS);
    write("\nb");
    check_text(1, 0, "b");
    check_cursor(1, 1);
}

TEST(carriage_return_goes_back_in_a_full_row)
{
    vga_init();
    write_repeated('a', COLUMNS);
    write("\rb");
    check_text(0, 0, "baa");
    check_blank(1, 0, COLUMNS);
}

TEST(backspace_goes_back_in_a_full_row)
{
    vga_init();
    write_repeated('a', COLUMNS);
    write("\bb");
    CHECK_EQ(cell(0, COLUMNS - 2), GREY << 8 | 'a');
    CHECK_EQ(cell(0, COLUMNS - 1), GREY << 8 | 'b');
    check_blank(1, 0, COLUMNS);
}

// Each row has a letter and a color of its own.
static void fill_screen(void)
{
    vga_init();
    for (int row = 0; row < ROWS; row++) {
        vga_set_color(row % 16, row % 8);
        if (row > 0)
            write("\n");
        write_repeated('a' + row, COLUMNS);
    }
    vga_set_color(VGA_LIGHT_GREY, VGA_BLACK);
}

static uint16_t filled(int row)
{
    return (row % 8 << 4 | row % 16) << 8 | ('a' + row);
}

static void check_scrolled_once(int to_column)
{
    for (int row = 0; row < LAST; row++)
        for (int column = 0; column < COLUMNS; column++)
            CHECK_EQ(cell(row, column), filled(row + 1));
    check_blank(LAST, to_column, COLUMNS);
    check_cursor(LAST, to_column);
}

TEST(full_screen_does_not_scroll_yet)
{
    fill_screen();
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++)
            CHECK_EQ(cell(row, column), filled(row));
    check_cursor(LAST, COLUMNS - 1);
}

TEST(newline_in_the_last_row_scrolls_text_and_colors)
{
    fill_screen();
    write("\n");
    check_scrolled_once(0);
}

TEST(character_after_the_last_cell_scrolls)
{
    fill_screen();
    write("x");
    check_text(LAST, 0, "x");
    check_scrolled_once(1);
}

TEST(scrolling_does_not_touch_what_follows)
{
    cells[ROWS * COLUMNS]     = 0x1234;
    cells[ROWS * COLUMNS + 1] = 0x5678;
    fill_screen();
    write_repeated('\n', 3 * ROWS);
    CHECK_EQ(cells[ROWS * COLUMNS], 0x1234);
    CHECK_EQ(cells[ROWS * COLUMNS + 1], 0x5678);
    for (int row = 0; row < ROWS; row++)
        check_blank(row, 0, COLUMNS);
    check_cursor(LAST, 0);
}

TEST(color_is_for_what_comes)
{
    vga_init();
    write("a");
    vga_set_color(VGA_WHITE, VGA_RED);
    write("b");
    CHECK_EQ(cell(0, 0), GREY << 8 | 'a');
    CHECK_EQ(cell(0, 1), WHITE_ON_RED << 8 | 'b');
    check_blank(0, 2, COLUMNS);
}

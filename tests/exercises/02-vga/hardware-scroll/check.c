// check.c: what the screen shows is read from where it begins, which is
// what the CRTC's registers 0x0c and 0x0d say.

#include "ktap.h"

#include "cpu.h"
#include "vga.h"

enum {
    COLUMNS = 80,
    ROWS    = 25,
    LAST    = ROWS - 1,
    SCREEN  = ROWS * COLUMNS,
    MEMORY  = 16384,  // cells
    LINES   = 1000,

    CRTC_INDEX  = 0x3d4,
    CRTC_DATA   = 0x3d5,
    CRTC_START  = 0x0c,  // high byte; the low one follows
    CRTC_CURSOR = 0x0e,

    GREY  = 0x07,
    BLANK = GREY << 8 | ' ',
};

static volatile uint16_t *const cells = (volatile uint16_t *)0xb8000;

static uint8_t crtc_byte(uint8_t index)
{
    outb(CRTC_INDEX, index);
    return inb(CRTC_DATA);
}

static int crtc(uint8_t index)
{
    return crtc_byte(index) << 8 | crtc_byte(index + 1);
}

static uint16_t cell(int row, int column)
{
    return cells[crtc(CRTC_START) + row * COLUMNS + column];
}

static void write(const char *text)
{
    for (; *text != '\0'; text++)
        vga_putc(*text);
}

// Three letters for each number below 17576.
static void write_number(int number)
{
    vga_putc('a' + number / 676 % 26);
    vga_putc('a' + number / 26 % 26);
    vga_putc('a' + number % 26);
}

static bool shows_number(int row, int number)
{
    return cell(row, 0) == (GREY << 8 | ('a' + number / 676 % 26)) &&
           cell(row, 1) == (GREY << 8 | ('a' + number / 26 % 26)) &&
           cell(row, 2) == (GREY << 8 | ('a' + number % 26)) &&
           cell(row, 3) == BLANK && cell(row, COLUMNS - 1) == BLANK;
}

static void fill_screen(void)
{
    vga_init();
    for (int row = 0; row < ROWS; row++) {
        if (row > 0)
            write("\n");
        write_number(row);
    }
}

TEST(init_shows_a_blank_screen)
{
    fill_screen();
    write("\n\n\n");
    vga_init();
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++)
            CHECK_EQ(cell(row, column), BLANK);
    CHECK_EQ(crtc(CRTC_CURSOR), crtc(CRTC_START));
}

TEST(newline_in_the_last_row_scrolls)
{
    fill_screen();
    write("\n");
    for (int row = 0; row < LAST; row++)
        CHECK(shows_number(row, row + 1));
    for (int column = 0; column < COLUMNS; column++)
        CHECK_EQ(cell(LAST, column), BLANK);
}

TEST(screen_begins_one_row_later)
{
    int start;

    fill_screen();
    start = crtc(CRTC_START);
    write("\n");
    CHECK_EQ(crtc(CRTC_START), start + COLUMNS);
}

TEST(cursor_is_where_text_goes)
{
    fill_screen();
    write("\n\n\nabc");
    CHECK_EQ(crtc(CRTC_CURSOR), crtc(CRTC_START) + LAST * COLUMNS + 3);
    CHECK_EQ(cell(LAST, 2), GREY << 8 | 'c');
}

// How many cells of the screen as it was a newline has written to.
static int cells_written_by_newline(void)
{
    static uint16_t before[SCREEN];
    int start   = crtc(CRTC_START);
    int written = 0;

    for (int i = 0; i < SCREEN; i++)
        before[i] = cells[start + i];
    write("\n");
    for (int i = 0; i < SCREEN; i++)
        written += cells[start + i] != before[i];
    return written;
}

TEST(nothing_is_copied)
{
    fill_screen();
    for (int i = 0; i < 10; i++) {
        if (!CHECK_EQ(cells_written_by_newline(), 0))
            return;
        write_number(i);
    }
}

static bool shows_numbers_up_to(int last)
{
    for (int row = 0; row < ROWS; row++)
        if (!shows_number(row, last - LAST + row))
            return false;
    return true;
}

TEST(a_thousand_lines_are_shown)
{
    fill_screen();
    for (int line = ROWS; line < LINES; line++) {
        write("\n");
        write_number(line);
        if (!CHECK(crtc(CRTC_START) + SCREEN <= MEMORY) ||
            !CHECK(shows_numbers_up_to(line)))
            return;
    }
}

TEST(copies_are_rare)
{
    int moves = 0;

    fill_screen();
    for (int line = ROWS; line < LINES; line++) {
        int start = crtc(CRTC_START);

        write("\n");
        moves += crtc(CRTC_START) == start + COLUMNS;
    }
    CHECK(moves > LINES * 9 / 10);
}

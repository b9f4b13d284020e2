// place.c: text that is written to a place of the screen, beside what scrolls.

#include "ktap.h"

#include "vga.h"

enum {
    COLUMNS = 80,
    ROW     = 3,
    GREY    = 0x07,
    REVERSE = 0x70,
};

#define cells ((volatile uint16_t *)ktap_physical(0xb8000))

static void check_cells(int row, int column, const char *text,
                        uint8_t color)
{
    for (; *text != '\0'; text++)
        CHECK_EQ(cells[row * COLUMNS + column++], color << 8 | *text);
}

TEST(text_at_a_place_stands_there_in_reverse)
{
    vga_init();
    vga_write_at(ROW, 10, "here");
    check_cells(ROW, 10, "here", REVERSE);
    check_cells(ROW, 9, " ", GREY);
    check_cells(ROW, 14, " ", GREY);
}

TEST(text_at_a_place_ends_with_the_row)
{
    vga_init();
    vga_write_at(ROW, COLUMNS - 3, "abcdef");
    check_cells(ROW, COLUMNS - 3, "abc", REVERSE);
    check_cells(ROW + 1, 0, "   ", GREY);
}

TEST(text_beyond_the_row_is_nowhere)
{
    vga_init();
    vga_write_at(ROW, COLUMNS, "abc");
    check_cells(ROW + 1, 0, "   ", GREY);
}

// The cursor stays, too: what is printed next goes on where it was.
TEST(text_at_a_place_does_not_move_the_next)
{
    vga_init();
    vga_putc('a');
    vga_write_at(ROW, 10, "here");
    vga_putc('b');
    check_cells(0, 0, "ab", GREY);
}

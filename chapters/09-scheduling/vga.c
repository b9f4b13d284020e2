// vga.c: text on the screen. The VGA shows what stands in its memory at
// 0xb8000, cell by cell, from left to right and from top to bottom:
//
//      15         12 11          8 7                          0
//     | background  | foreground  | character                  |
//
// FreeVGA, "VGA Text Mode Operation".

#include "vga.h"

#include <stdbool.h>

#include "cpu.h"
#include "memory.h"

enum { COLUMNS = 80, ROWS = 25, TAB = 8 };

// The cathode-ray tube controller: write a register's number to one
// port, then its value to the other.
enum {
    CRTC_INDEX = 0x3d4,
    CRTC_DATA  = 0x3d5,

    CRTC_CURSOR_START = 0x0a,
    CRTC_CURSOR_END   = 0x0b,
    CRTC_CURSOR_HIGH  = 0x0e,
    CRTC_CURSOR_LOW   = 0x0f,
};

// Volatile: each store has to happen, although C never sees anyone read
// what was stored.
static volatile uint16_t *const cells =
    (volatile uint16_t *)(DIRECT_MAP + 0xb8000);

static uint8_t attribute;
static bool is_there;  // the screen: vga_init has been called
static int row;
static int column;  // COLUMNS once the row is full: wrap at the next

static void crtc_write(uint8_t index, uint8_t value)
{
    outb(CRTC_INDEX, index);
    outb(CRTC_DATA, value);
}

static void show_cursor(void)
{
    int last = column < COLUMNS ? column : COLUMNS - 1;
    int cell = row * COLUMNS + last;

    crtc_write(CRTC_CURSOR_HIGH, cell >> 8);
    crtc_write(CRTC_CURSOR_LOW, cell & 0xff);
}

static void clear_row(int which)
{
    for (int i = 0; i < COLUMNS; i++)
        cells[which * COLUMNS + i] = attribute << 8 | ' ';
}

static void scroll(void)
{
    for (int i = 0; i < (ROWS - 1) * COLUMNS; i++)
        cells[i] = cells[i + COLUMNS];
    clear_row(ROWS - 1);
}

static void new_line(void)
{
    column = 0;
    row++;
    if (row >= ROWS) {  // more, if an NMI came in between and printed
        row = ROWS - 1;
        scroll();
    }
}

static void put_character(uint8_t character)
{
    if (column == COLUMNS)
        new_line();
    cells[row * COLUMNS + column] = attribute << 8 | character;
    column++;
}

void vga_init(void)
{
    is_there = true;
    vga_set_color(VGA_LIGHT_GREY, VGA_BLACK);
    for (row = ROWS - 1; row > 0; row--)
        clear_row(row);
    clear_row(row);
    column = 0;
    crtc_write(CRTC_CURSOR_START, 14);  // of the 16 lines of a cell
    crtc_write(CRTC_CURSOR_END, 15);
    show_cursor();
}

void vga_set_color(enum vga_color text, enum vga_color background)
{
    attribute = background << 4 | text;
}

// Dark on light: whoever looks on sees what is not part of the text.
void vga_write_at(int at_row, int at_column, const char *text)
{
    const uint8_t color = VGA_LIGHT_GREY << 4 | VGA_BLACK;

    for (; is_there && *text != '\0' && at_column < COLUMNS; text++)
        cells[at_row * COLUMNS + at_column++] =
            color << 8 | (uint8_t)*text;
}

void vga_putc(char c)
{
    switch (c) {
    case '\n':
        new_line();
        break;
    case '\r':
        column = 0;
        break;
    case '\t':
        column = column / TAB * TAB + TAB;
        if (column > COLUMNS)
            column = COLUMNS;
        break;
    case '\b':
        if (column > 0)
            column--;
        break;
    default:
        put_character(c);
    }
    show_cursor();
}

// vga.h: the VGA's text screen, 25 rows of 80 characters.

#pragma once

#include <stdint.h>

enum vga_color {
    VGA_BLACK,
    VGA_BLUE,
    VGA_GREEN,
    VGA_CYAN,
    VGA_RED,
    VGA_MAGENTA,
    VGA_BROWN,
    VGA_LIGHT_GREY,
    VGA_BRIGHT,  // to add: VGA_BROWN + VGA_BRIGHT is yellow
    VGA_WHITE = VGA_LIGHT_GREY + VGA_BRIGHT,
};

// Clears the screen and puts the cursor into its first cell.
void vga_init(void);

// The colors of what is written from now on. The background is one of
// the first eight: its highest bit would make the character blink.
void vga_set_color(enum vga_color text, enum vga_color background);

// Writes text to a place on the screen, up to the end of the row. The
// cursor stays where it is. Nothing happens without a text screen.
void vga_write_at(int row, int column, const char *text);

// Writes a character of code page 437, or does what a terminal does for
// newline, carriage return, tab and backspace. Scrolls after the last
// row.
void vga_putc(char c);

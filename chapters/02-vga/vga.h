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
    VGA_BRIGHT = 8,  // to add to a foreground: VGA_BROWN + VGA_BRIGHT is yellow
    VGA_WHITE  = VGA_LIGHT_GREY + VGA_BRIGHT,
};

// Clears the screen and puts the cursor into its first cell.
void vga_init(void);

// The colors of what is written from now on. A background is one of the first
// eight: its highest bit makes the character blink.
void vga_set_color(enum vga_color foreground, enum vga_color background);

// Writes a character of code page 437, or does what a terminal does for newline,
// carriage return, tab and backspace. Scrolls when the last row is full.
void vga_putc(char c);

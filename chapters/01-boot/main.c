// main.c: the first C. It has a CPU in 64-bit mode, a stack of 16 KiB
// and the first 4 GiB of physical memory at their own addresses. There
// is nothing else: no library, no interrupts, nobody to return to.

#include <stdint.h>

enum {
    COLUMNS    = 80,
    ROWS       = 25,
    LIGHT_GREY = 7,  // on black
};

// Each cell of the text screen: the character in the low byte, its
// colors in the high byte. Volatile, because the display reads what C
// never does.
static volatile uint16_t *const screen = (volatile uint16_t *)0xb8000;

static void screen_clear(void)
{
    for (int i = 0; i < ROWS * COLUMNS; i++)
        screen[i] = LIGHT_GREY << 8 | ' ';
}

static void screen_write(int row, const char *text)
{
    for (int i = 0; text[i] != '\0'; i++)
        screen[row * COLUMNS + i] = LIGHT_GREY << 8 | text[i];
}

// Called by boot.asm, which halts the CPU should it return.
void kernel_main(void)
{
    screen_clear();
    screen_write(0, "Trapframe");
    screen_write(1, "This is C, in 64-bit mode.");
}

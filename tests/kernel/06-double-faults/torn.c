// torn.c: an NMI that prints while the interrupted code does. Here it is
// a #DB, after so many instructions of a newline.

#include "03-exceptions/captured.h"

#include "cpu.h"
#include "exceptions.h"
#include "vga.h"

enum { COLUMNS = 80, LAST = 24, MOST = 60 };

static int left;

static void step(struct trap_frame *frame)
{
    if (--left > 0)
        return;
    frame->rflags &= ~(uint64_t)RFLAGS_TF;
    vga_putc('\n');
}

static void newline_torn_after(int instructions)
{
    left = instructions;
    write_rflags(read_rflags() | RFLAGS_TF);
    vga_putc('\n');
    write_rflags(read_rflags() & ~(uint64_t)RFLAGS_TF);
}

// What is printed afterwards has to be on the screen: in its last row.
static bool shows_what_follows(int row, int instructions)
{
    const volatile uint16_t *cells = ktap_physical(0xb8000);

    vga_init();
    for (int i = 0; i < row; i++)
        vga_putc('\n');
    newline_torn_after(instructions);
    vga_putc('X');
    return (cells[LAST * COLUMNS] & 0xff) == 'X';
}

TEST(newline_in_a_newline_stays_on_the_screen)
{
    captured_start();
    exception_set_handler(EXC_DEBUG, step);
    for (int i = 1; i <= MOST; i++) {
        CHECK(shows_what_follows(LAST - 1, i));
        CHECK(shows_what_follows(LAST, i));
    }
    exception_set_handler(EXC_DEBUG, NULL);
}

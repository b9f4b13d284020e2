// main.c: the kernel finds its voice.

#include "boot_info.h"
#include "console.h"
#include "printf.h"
#include "serial.h"
#include "vga.h"

static void open_console(bool wire, bool screen)
{
    if (wire)
        console_add_sink(serial_putc);
    if (screen) {
        vga_init();
        console_add_sink(vga_putc);
    }
}

// Called by boot.asm, which halts the CPU should it return.
void kernel_main(const struct boot_info *info)
{
    bool wire   = serial_init();
    bool screen = boot_info_has_text_screen(info);

    open_console(wire, screen);
    printf("Trapframe, loaded by %s\n", boot_info_loader(info));
    printf("boot information: %u bytes at %p\n", info->size,
           (void *)info);
    printf("screen: %s\n", screen ? "VGA text, 80 x 25" : "none");
    printf("serial port: %s\n", wire ? "COM1, 115200 baud" : "none");
}

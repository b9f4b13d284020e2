// main.c: the kernel finds its voice.

#include "boot_info.h"
#include "console.h"
#include "printf.h"
#include "serial.h"
#include "vga.h"

// Screen and wire, as far as the machine has them.
static void open_console(const struct boot_info *info)
{
    bool wire = serial_init();

    if (wire)
        console_add_sink(serial_putc);
    if (boot_info_has_text_screen(info)) {
        vga_init();
        console_add_sink(vga_putc);
    } else {
        printf("No VGA text screen here: the serial port has to do.\n");
    }
    printf("COM1: %s\n", wire ? "tested, 115200 baud" : "no port");
}

// Called by boot.asm, which halts the CPU should it return.
void kernel_main(const struct boot_info *info)
{
    open_console(info);
    printf("Trapframe, loaded by %s\n", boot_info_loader(info));
    printf("boot information: %u bytes at %p\n", info->size, (void *)info);
}

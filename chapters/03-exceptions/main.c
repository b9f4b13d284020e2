// main.c: the kernel goes through a list, and one step too far.

#include <stddef.h>

#include "boot_info.h"
#include "console.h"
#include "idt.h"
#include "printf.h"
#include "serial.h"
#include "vga.h"

// Who has had the machine since it was switched on.
struct stage {
    const struct stage *next;
    const char *name;
};

static const struct stage kernel   = {NULL, "kernel_main"};
static const struct stage start    = {&kernel, "start, in boot.asm"};
static const struct stage loader   = {&start, "GRUB"};
static const struct stage firmware = {&loader, "the firmware"};

static bool open_serial(void)
{
    if (!serial_init())
        return false;
    console_add_sink(serial_putc);
    return true;
}

static bool open_screen(const struct boot_info *info)
{
    if (!boot_info_has_text_screen(info))
        return false;
    vga_init();
    console_add_sink(vga_putc);
    return true;
}

// Neither static nor inlined, for the sake of a backtrace in which each
// has a line and its own name.
__attribute__((noinline)) void print_stage(const struct stage *stage)
{
    printf("-");
    printf(" %s\n", stage->name);
}

// Forgets that the last one has no next.
__attribute__((noinline)) void print_stages(const struct stage *stage)
{
    for (;; stage = stage->next)
        print_stage(stage);
}

// Called by boot.asm, which halts the CPU should it return. The serial
// port comes first: where the boot information is broken, a panic needs
// it.
void kernel_main(const struct boot_info *info)
{
    bool wire   = open_serial();
    bool screen = open_screen(info);

    printf("Trapframe, loaded by %s\n", boot_info_loader(info));
    printf("boot information: %u bytes at %p\n", info->size,
           (void *)info);
    printf("screen: %s\n", screen ? "VGA text, 80 x 25" : "none");
    printf("serial port: %s\n", wire ? "COM1, 115200 baud" : "none");

    idt_init();
    print_stages(&firmware);
}

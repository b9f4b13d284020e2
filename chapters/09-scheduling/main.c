// main.c: the kernel starts, and waits for what is asked of it.

#include "boot_info.h"
#include "console.h"
#include "gdt.h"
#include "idt.h"
#include "interrupts.h"
#include "keyboard.h"
#include "machine_check.h"
#include "memory.h"
#include "monitor.h"
#include "nmi.h"
#include "page_fault.h"
#include "panic.h"
#include "printf.h"
#include "serial.h"
#include "threads.h"
#include "timer.h"
#include "vga.h"

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

// Called by boot.asm, which halts the CPU should it return. The serial
// port comes first: where the boot information is broken, a panic needs
// it.
void kernel_main(const struct boot_info *info)
{
    bool wire   = open_serial();
    bool screen = open_screen(info);
    struct thread *monitor;

    printf("Trapframe, loaded by %s\n", boot_info_loader(info));
    printf("boot information: %u bytes at %p\n", info->size,
           (void *)info);
    printf("screen: %s\n", screen ? "VGA text, 80 x 25" : "none");
    printf("serial port: %s\n", wire ? "COM1, 115200 baud" : "none");

    gdt_init();
    idt_init();
    memory_init(info);
    page_fault_init();
    nmi_init();
    machine_check_init();
    printf("demand-zero memory holds %d\n",
           *(volatile int *)DEMAND_ZERO);

    interrupts_init();
    timer_init();
    if (wire)
        serial_listen();
    printf("keyboard: %s\n", keyboard_init() ? "PS/2" : "none");
    sti();
    monitor =
        thread_create("monitor", PRIORITY_HIGH, monitor_run, NULL);
    if (!monitor)
        panic("too little memory: none for a thread");
    thread_join(monitor);
}

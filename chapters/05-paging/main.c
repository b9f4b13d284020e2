// main.c: the kernel shows where it is, and runs into a wall.

#include "boot_info.h"
#include "console.h"
#include "frames.h"
#include "idt.h"
#include "memory.h"
#include "page_fault.h"
#include "paging.h"
#include "printf.h"
#include "regions.h"
#include "serial.h"
#include "vga.h"

extern const char stack_guard[];  // boot.asm

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

static void show_memory(void)
{
    printf("memory: %zu KiB, free: %zu KiB\n",
           frames_total() * PAGE_SIZE / 1024,
           frames_free() * PAGE_SIZE / 1024);
}

static void show_physical(const void *address)
{
    phys_addr physical;

    if (page_translate(&kernel_space, (virt_addr)address, &physical))
        printf("%p is at %lx\n", address, physical);
    else
        printf("%p is nowhere\n", address);
}

// Adds up some bytes of demand-zero memory, far from each other.
static void touch(void)
{
    const size_t count = 4, distance = DEMAND_ZERO_SIZE / count;
    volatile uint8_t *memory = (volatile uint8_t *)DEMAND_ZERO;
    size_t before            = frames_free();
    int sum                  = 0;

    for (size_t i = 0; i < count; i++) {
        memory[i * distance] += i;
        sum += memory[i * distance];
    }
    printf("0 + 1 + 2 + 3 = %d, in %zu frames\n", sum,
           before - frames_free());
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
    memory_init(info);
    page_fault_init();
    regions_print();
    show_memory();
    show_physical((const void *)kernel_main);
    show_physical(stack_guard);
    touch();
    show_memory();
    *(volatile uint8_t *)kernel_main = 0;
}

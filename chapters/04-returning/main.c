// main.c: the kernel raises exceptions, and goes on.

#include <stddef.h>

#include "boot_info.h"
#include "console.h"
#include "cpu.h"
#include "exceptions.h"
#include "idt.h"
#include "printf.h"
#include "probe.h"
#include "serial.h"
#include "symbols.h"
#include "trace.h"
#include "vga.h"

enum { PAGE_SIZE = 4096, PAGE_PRESENT = 1 << 0 };

extern uint64_t page_table[];  // boot.asm
extern const char stack_guard[];

// A page of its own, that will be taken away.
static volatile uint64_t page[PAGE_SIZE / sizeof(uint64_t)]
    __attribute__((aligned(PAGE_SIZE)));

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

static void handle_breakpoint(struct trap_frame *frame)
{
    printf("breakpoint, before ");
    symbol_print(symbol_find(frame->rip), frame->rip);
}

static uint64_t *entry_of(uint64_t address)
{
    return &page_table[address / PAGE_SIZE];
}

// Cures a fault on the page, and no other.
static void handle_page_fault(struct trap_frame *frame)
{
    uint64_t address = read_cr2();

    if (address / PAGE_SIZE != (uint64_t)page / PAGE_SIZE) {
        exception_unhandled(frame);
        return;
    }
    printf("page fault at ");
    symbol_print(symbol_find(frame->rip), frame->rip);
    *entry_of(address) |= PAGE_PRESENT;
}

// Keeps b and c in registers, and the total on the stack.
static int add(int a, int b, int c)
{
    volatile int total = a;

    breakpoint();
    total += b;
    breakpoint();
    total += c;
    return total;
}

static void resume(void)
{
    // The compiler is not to see which function that is.
    int (*volatile sum)(int, int, int) = add;

    exception_set_handler(EXC_BREAKPOINT, handle_breakpoint);
    printf("1 + 2 + 3 = %d\n", sum(1, 2, 3));
}

static void retry(void)
{
    page[0] = 42;
    *entry_of((uint64_t)page) &= ~(uint64_t)PAGE_PRESENT;
    invlpg((const void *)page);
    exception_set_handler(EXC_PAGE_FAULT, handle_page_fault);
    printf("the page holds %lu\n", page[0]);
}

static void probe(const void *address)
{
    uint64_t value;

    printf("probe %016lx: ", (uint64_t)address);
    if (probe_read(address, &value))
        printf("%016lx\n", value);
    else
        printf("nothing\n");
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
    resume();
    retry();
    probe(NULL);
    probe((const void *)kernel_main);
    probe(stack_guard);
    probe((const void *)0x800000000000);
    printf("the next instructions:\n");
    trace(8);
}

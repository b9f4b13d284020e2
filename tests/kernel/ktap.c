// ktap.c: runs the tests and reports them. It has its own way to COM1
// and needs nothing of the chapter, so that it can test the first one,
// and a broken one. Linux kernel documentation, "The Kernel Test
// Anything Protocol (KTAP)".

#include "ktap.h"

enum {
    UART_DATA = 0x3f8,  // COM1; with LCR_DLAB: divisor, low byte
    UART_IER  = 0x3f9,  // with LCR_DLAB: divisor, high byte
    UART_LCR  = 0x3fb,
    UART_LSR  = 0x3fd,
    LCR_8N1   = 0x03,
    LCR_DLAB  = 0x80,
    LSR_THRE  = 0x20,

    // QEMU's isa-debug-exit: its status is 2 * value + 1.
    DEBUG_EXIT = 0xf4,
    EXIT_PASS  = 0x10,
    EXIT_FAIL  = 0x11,

    TOLD_MOST = 8,  // failed checks of one test; more say nothing new
};

extern const struct ktap_test __start_ktap[],
    __stop_ktap[];  // by the linker

// From 05-paging on the kernel leaves boot.asm's page tables, and from
// 06-double-faults on its GDT.
void memory_init(uint64_t info) __attribute__((weak));
void gdt_init(void) __attribute__((weak));

uint64_t ktap_argument;
uint64_t ktap_direct_map;
static unsigned failures;  // of the test that runs

static void outb(uint16_t port, uint8_t value)
{
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t inb(uint16_t port)
{
    uint8_t value;

    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void put(const char *text)
{
    for (; *text != '\0'; text++) {
        while ((inb(UART_LSR) & LSR_THRE) == 0)
            ;
        outb(UART_DATA, *text);
    }
}

static void put_number(uint64_t n, unsigned base)
{
    char digits[21];
    int i = sizeof(digits) - 1;

    digits[i] = '\0';
    do {
        digits[--i] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n != 0);
    put(&digits[i]);
}

// False: enough has been told.
static bool tell(const char *file, unsigned line, const char *what)
{
    if (++failures > TOLD_MOST)
        return false;
    put("# ");
    put(file);
    put(":");
    put_number(line, 10);
    put(": ");
    put(what);
    put("\n");
    return true;
}

static void put_quoted(const char *text)
{
    put("\"");
    for (; *text != '\0'; text++) {
        char visible[] = {*text >= ' ' ? *text : '.', '\0'};

        put(visible);
    }
    put("\"");
}

bool ktap_check(bool holds, const char *file, unsigned line,
                const char *what)
{
    if (!holds)
        tell(file, line, what);
    return holds;
}

bool ktap_check_equal(uint64_t a, uint64_t b, const char *file,
                      unsigned line, const char *what)
{
    if (a != b && tell(file, line, what)) {
        put("#   left 0x");
        put_number(a, 16);
        put(", right 0x");
        put_number(b, 16);
        put("\n");
    }
    return a == b;
}

static bool same(const char *a, const char *b)
{
    for (; *a == *b; a++, b++)
        if (*a == '\0')
            return true;
    return false;
}

bool ktap_check_text(const char *a, const char *b, const char *file,
                     unsigned line, const char *what)
{
    if (!same(a, b) && tell(file, line, what)) {
        put("#   left ");
        put_quoted(a);
        put(", right ");
        put_quoted(b);
        put("\n");
    }
    return same(a, b);
}

void ktap_value(const char *name, uint64_t value, const char *unit)
{
    put("# value ");
    put(name);
    put(" ");
    put_number(value, 10);
    put(" ");
    put(unit);
    put("\n");
}

static void run(const struct ktap_test *test)
{
    failures = 0;
    test->run();
    put(failures == 0 ? "ok " : "not ok ");
    put_number(test - __start_ktap + 1, 10);
    put(" ");
    put(test->name);
    put("\n");
}

static void uart_init(void)
{
    outb(UART_LCR, LCR_DLAB);
    outb(UART_DATA, 1);  // divisor 1: 115200 baud
    outb(UART_IER, 0);
    outb(UART_LCR, LCR_8N1);
    outb(UART_IER, 0);  // no interrupts
}

void kernel_main(uint64_t argument)
{
    bool failed = false;

    ktap_argument = argument;
    uart_init();
    put("KTAP version 1\n1..");
    put_number(__stop_ktap - __start_ktap, 10);
    put("\n");
    if (gdt_init)
        gdt_init();
    if (memory_init) {
        memory_init(argument);
        ktap_direct_map = 0xffff800000000000;
    }
    for (const struct ktap_test *test = __start_ktap;
         test < __stop_ktap; test++) {
        run(test);
        failed |= failures != 0;
    }
    outb(DEBUG_EXIT, failed ? EXIT_FAIL : EXIT_PASS);
    for (;;)
        asm volatile("cli; hlt");
}

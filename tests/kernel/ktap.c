// ktap.c: runs the tests and reports them. It needs nothing of the
// chapter, so that it can test the first one, and a broken one. Linux
// kernel documentation, "The Kernel Test Anything Protocol (KTAP)".

#include "ktap.h"

#include "com1.h"

enum { TOLD_MOST = 8 };  // failed checks; more say nothing new

extern const struct ktap_test __start_ktap[],
    __stop_ktap[];  // by the linker

// From 05-paging on the kernel leaves boot.asm's page tables, and from
// 06-double-faults on its GDT.
void memory_init(uint64_t info) __attribute__((weak));
void gdt_init(void) __attribute__((weak));

uint64_t ktap_argument;
uint64_t ktap_direct_map;
static unsigned failures;  // of the test that runs

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
    leave(failed ? EXIT_FAIL : EXIT_PASS);
}

// check.c: reports of frames made up, and of real accesses.

#include "03-exceptions/captured.h"

#include "exceptions.h"
#include "printf.h"
#include "report.h"

enum { GENERAL = 15 };  // in the order of struct trap_frame

#define NO_SELECTOR "\nerror code 0x0: no selector\n"

static const char *const names[GENERAL] = {
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8",
    "r9",  "r10", "r11", "r12", "r13", "r14", "r15",
};

static struct trap_frame frame;

static void new_frame(int vector)
{
    frame = (struct trap_frame){.vector = vector};
}

static void report(void)
{
    captured_start();
    report_exception(&frame);
    CHECK(fits_screen(captured.text));
}

// The line there is to be, or none for a null pointer.
static void check_line(const char *line)
{
    char part[160], told[200];

    if (!line) {
        CHECK(!contains(captured.text, "not canonical"));
        return;
    }
    snprintf(part, sizeof(part), NO_SELECTOR "%s\nrax ", line);
    snprintf(told, sizeof(told),
             "below the error code there is no line \"%s\"", line);
    ktap_check(contains(captured.text, part), "vector", frame.vector,
               told);
}

static void check_value(uint64_t value, bool canonical)
{
    new_frame(EXC_GENERAL_PROTECTION);
    frame.rcx = value;
    report();
    check_line(canonical ? NULL : "not canonical: rcx");
}

TEST(where_the_halves_end)
{
    check_value(0, true);
    check_value(0x00007fffffffffff, true);
    check_value(0x0000800000000000, false);
    check_value(0xffff7fffffffffff, false);
    check_value(0xffff800000000000, true);
    check_value(0xffffffffffffffff, true);
    for (int bit = 47; bit < 64; bit++)
        check_value(1ul << bit, false);
}

TEST(each_register_has_its_name)
{
    uint64_t *general = &frame.rax;
    char line[80];

    for (int i = 0; i < GENERAL; i++) {
        new_frame(EXC_GENERAL_PROTECTION);
        general[i] = 1ul << 63;
        snprintf(line, sizeof(line), "not canonical: %s", names[i]);
        report();
        check_line(line);
    }
    new_frame(EXC_STACK_SEGMENT);
    frame.rsp = 1ul << 63;
    report();
    check_line("not canonical: rsp");
}

TEST(several_in_the_order_of_the_report)
{
    uint64_t *general = &frame.rax;

    new_frame(EXC_STACK_SEGMENT);
    frame.rax = frame.r12 = 0x123456789abcdef0;
    report();
    check_line("not canonical: rax r12");

    for (int i = 0; i < GENERAL; i++)
        general[i] = 0xdead000000000000 + i;
    frame.rsp = 1ul << 62;
    report();
    check_line("not canonical: rax rbx rcx rdx rsi rdi rbp r8 r9 r10 "
               "r11 r12 r13 r14 r15 rsp");
}

TEST(nothing_with_another_error_code)
{
    new_frame(EXC_GENERAL_PROTECTION);
    frame.rbx = 1ul << 60;
    for (uint64_t code = 1; code < 300; code++) {
        frame.error_code = code;
        report();
        check_line(NULL);
    }
}

TEST(nothing_for_other_exceptions)
{
    for (int v = 0; v < VECTORS; v++) {
        new_frame(v);
        frame.rbx = 1ul << 60;
        report();
        if (v != EXC_GENERAL_PROTECTION && v != EXC_STACK_SEGMENT)
            check_line(NULL);
    }
}

static void read_by_rsi(void)
{
    asm volatile("mov (%%rsi), %%al"
                 :
                 : "S"(1ul << 63)
                 : "rax", "memory");
}

static void read_by_rbp(void)
{
    asm volatile("push %%rbp; mov %0, %%rbp; mov (%%rbp), %%al"
                 :
                 : "r"(1ul << 63)
                 : "rax", "memory");
}

// QEMU raises #GP for both.
TEST(real_accesses)
{
    CHECK(contains(captured_report(read_by_rsi), "\nnot canonical: "));
    CHECK(contains(captured.text, " rsi"));
    CHECK(contains(captured_report(read_by_rbp), "\nnot canonical: "));
    CHECK(contains(captured.text, " rbp"));
}

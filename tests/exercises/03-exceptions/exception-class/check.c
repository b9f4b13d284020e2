// check.c: reads the titles of reports about frames made up.

#include "03-exceptions/captured.h"

#include "exceptions.h"
#include "printf.h"
#include "report.h"

static bool is_class(int vector, const char *class)
{
    struct trap_frame frame = {.vector = vector};
    char title[120];

    captured_start();
    report_exception(&frame);
    snprintf(title, sizeof(title), "\n%s, vector %d, %s\n",
             exception_name(vector), vector, class);
    return begins_with(captured.text, title);
}

static void check_class(int vector, const char *class)
{
    char told[120];

    snprintf(told, sizeof(told),
             "the title for vector %d does not end in \", %s\"", vector,
             class);
    ktap_check(is_class(vector, class), "title", vector, told);
}

TEST(faults)
{
    check_class(EXC_DIVIDE_ERROR, "fault");
    for (int v = EXC_BOUND_RANGE; v <= EXC_DEVICE_NOT_AVAILABLE; v++)
        check_class(v, "fault");
    for (int v = EXC_INVALID_TSS; v <= EXC_PAGE_FAULT; v++)
        check_class(v, "fault");
    check_class(EXC_X87_FLOATING_POINT, "fault");
    check_class(EXC_ALIGNMENT_CHECK, "fault");
    for (int v = EXC_SIMD_FLOATING_POINT; v <= EXC_CONTROL_PROTECTION;
         v++)
        check_class(v, "fault");
}

TEST(traps)
{
    check_class(EXC_BREAKPOINT, "trap");
    check_class(EXC_OVERFLOW, "trap");
}

TEST(debug_is_one_of_both)
{
    if (!is_class(EXC_DEBUG, "fault"))
        check_class(EXC_DEBUG, "trap");
}

TEST(aborts)
{
    check_class(EXC_DOUBLE_FAULT, "abort");
    check_class(EXC_MACHINE_CHECK, "abort");
}

TEST(interrupts)
{
    check_class(EXC_NMI, "interrupt");
    for (int v = EXCEPTIONS; v < VECTORS; v++)
        check_class(v, "interrupt");
}

TEST(the_rest_of_the_report_is_as_before)
{
    struct trap_frame frame = {.vector = EXC_PAGE_FAULT, .rax = 0x123};

    captured_start();
    report_exception(&frame);
    CHECK(contains(captured.text, "\nerror code 0x0: read in "));
    CHECK(contains(captured.text, "\nrax 0000000000000123  rbx "));
    CHECK(fits_screen(captured.text));
}

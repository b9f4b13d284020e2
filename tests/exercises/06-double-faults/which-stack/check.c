// check.c: reads the titles of reports, with frames made up and real
// ones.

#include "03-exceptions/captured.h"

#include "exceptions.h"
#include "memory.h"
#include "printf.h"
#include "regions.h"
#include "report.h"

#define NOWHERE "no memory of the kernel"

extern char stack_bottom[];

static bool has_title(int vector, const char *place)
{
    char title[120];

    snprintf(title, sizeof(title), "\n%s, vector %d, rsp in %s\n",
             exception_name(vector), vector, place);
    return begins_with(captured.text, title);
}

static void check_title(int vector, const char *place)
{
    char told[120];

    snprintf(told, sizeof(told),
             "the title does not end in \", rsp in %s\"", place);
    ktap_check(has_title(vector, place), "vector", vector, told);
}

static void check_place(int vector, virt_addr rsp, const char *place)
{
    struct trap_frame frame = {.vector = vector, .rsp = rsp};

    captured_start();
    report_exception(&frame);
    check_title(vector, place);
    CHECK(fits_screen(captured.text));
}

TEST(every_region_is_named)
{
    for (size_t i = 0; i < regions_count; i++) {
        const struct region *region = &regions[i];

        check_place(EXC_INVALID_OPCODE, region->start + 8,
                    region->name);
        check_place(EXC_GENERAL_PROTECTION, region->end - 8,
                    region->name);
    }
}

TEST(addresses_in_no_region)
{
    check_place(EXC_PAGE_FAULT, 0x200000, NOWHERE);
    check_place(EXC_DOUBLE_FAULT, 1ul << 63, NOWHERE);
    check_place(EXC_INVALID_OPCODE, -8ul, NOWHERE);
}

TEST(every_vector)
{
    for (int v = 0; v < VECTORS; v++)
        check_place(v, (virt_addr)stack_bottom + 64, "kernel stack");
}

static void raise_ud(void)
{
    asm volatile("ud2");
}

TEST(kernel_stack)
{
    captured_report(raise_ud);
    check_title(EXC_INVALID_OPCODE, "kernel stack");
}

// Nothing comes back from these two.
static void overflow(void)
{
    asm volatile("mov %0, %%rsp; push %%rax"
                 :
                 : "r"(stack_bottom)
                 : "memory");
}

static void overflow_at_once(void)
{
    asm volatile("lea -1024(%0), %%rsp; push %%rax"
                 :
                 : "r"(stack_bottom)
                 : "memory");
}

TEST(stack_that_has_overflowed)
{
    captured_report(overflow);
    check_title(EXC_DOUBLE_FAULT, "kernel stack");
    captured_report(overflow_at_once);
    check_title(EXC_DOUBLE_FAULT, "kernel stack guard");
}

static void handler_that_fails(struct trap_frame *frame)
{
    (void)frame;
    raise_ud();
}

static void raise_nmi(void)
{
    asm volatile("int $2" : : : "memory");
}

TEST(stack_of_a_handler)
{
    exception_set_handler(EXC_NMI, handler_that_fails);
    captured_report(raise_nmi);
    exception_set_handler(EXC_NMI, NULL);
    check_title(EXC_INVALID_OPCODE, "NMI stack");
}

TEST(the_rest_of_the_report_is_as_before)
{
    struct trap_frame frame = {.vector = EXC_PAGE_FAULT, .rax = 0x123};

    captured_start();
    report_exception(&frame);
    CHECK(contains(captured.text, "\nerror code 0x0: read in "));
    CHECK(contains(captured.text, "\nrax 0000000000000123  rbx "));
}

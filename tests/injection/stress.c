// stress.c: the stress of 09-scheduling, in a kernel that tells of NMIs.

#include "ktap.h"

#undef TEST  // one run of it is enough: ours
#define TEST(name) static __attribute__((unused)) void name(void)
#include "09-scheduling/stress.c"

#include "console.h"
#include "nmi.h"
#include "serial.h"

volatile uint64_t stress_over;  // set from outside

static void sums_are_right_whenever_nmis_come(void)
{
    serial_init();
    console_add_sink(serial_putc);
    nmi_init();
    while (!stress_over)
        run(1, 367);
}

static const struct ktap_test test
    __attribute__((used, section("ktap"), aligned(16))) = {
        "sums_are_right_whenever_nmis_come",
        sums_are_right_whenever_nmis_come,
};

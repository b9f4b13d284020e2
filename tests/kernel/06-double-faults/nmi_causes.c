// nmi_causes.c: what an NMI is said to be, with a port of our own.

#include "03-exceptions/captured.h"

#include "cpu.h"

static uint8_t status, written[2];
static int writes;

static uint8_t our_inb(uint16_t port)
{
    CHECK_EQ(port, 0x61);
    return status;
}

static void our_outb(uint16_t port, uint8_t value)
{
    CHECK_EQ(port, 0x61);
    if (CHECK(writes < 2))
        written[writes++] = value;
}

#define inb      our_inb
#define outb     our_outb
#define nmi_init our_nmi_init
#include <nmi.c>
#undef inb
#undef outb
#undef nmi_init

void nmi_init(void);

void nmi_raise(void);
extern const char nmi_behind[];

asm(".pushsection .text\n"
    "nmi_raise: int $2\n"
    "nmi_behind: ret\n"
    ".popsection\n");

static void check_nmi(void (*init)(void), const char *cause)
{
    char line[100];

    captured_start();
    init();
    nmi_raise();
    exception_set_handler(EXC_NMI, NULL);
    snprintf(line, sizeof(line),
             "\nNMI, %s, before %016lx nmi_behind+0x0\n", cause,
             (uint64_t)nmi_behind);
    CHECK_TEXT(captured.text, line);
}

// QEMU's port has neither bit set.
TEST(nmi_is_told_and_returned_from)
{
    for (int i = 0; i < 1000; i++)
        check_nmi(nmi_init, "unknown cause");
}

TEST(cause_is_told)
{
    writes = 0;
    status = 0x3f;
    check_nmi(our_nmi_init, "unknown cause");
    writes = 0;
    status = 0x80;
    check_nmi(our_nmi_init, "bus error");
    writes = 0;
    status = 0x40;
    check_nmi(our_nmi_init, "device error");
    writes = 0;
    status = 0xff;
    check_nmi(our_nmi_init, "bus error");
}

// Both sources are switched off, which clears them, and on again; the
// timer and the speaker go on as they are.
TEST(causes_are_cleared)
{
    writes = 0;
    status = 0xb1;
    check_nmi(our_nmi_init, "bus error");
    CHECK_EQ(writes, 2);
    CHECK_EQ(written[0], 0x0d);
    CHECK_EQ(written[1], 0x01);
}

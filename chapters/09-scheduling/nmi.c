// nmi.c: hardware reports by an NMI what cannot wait. It may come at
// any instruction, and so it has a stack of its own.
//
// Until the handler's iretq the CPU holds back the next NMI, and after
// any other iretq it does not: that one would be put on the same stack
// and overwrite the frame of the first. So nothing here may raise an
// exception. Intel SDM volume 3A, "Handling Multiple NMIs".
//
// The interrupted code may be printing. Then a line is torn, or the
// cursor stands wrong until the next character.

#include "nmi.h"

#include <stdint.h>

#include "cpu.h"
#include "exceptions.h"
#include "printf.h"
#include "symbols.h"

// Where the PC keeps the cause. Intel I/O Controller Hub 9 data sheet,
// "NMI Status and Control Register".
enum {
    NMI_SC   = 0x61,
    WRITABLE = 0x0f,

    SERR_STATUS  = 0x80,  // an error on the bus
    IOCHK_STATUS = 0x40,  // an error of a device
    SERR_OFF     = 0x04,
    IOCHK_OFF    = 0x08,
};

static const char *cause(uint8_t status)
{
    if (status & SERR_STATUS)
        return "bus error";
    return status & IOCHK_STATUS ? "device error" : "unknown cause";
}

// A status bit stays, and keeps the next NMI of its kind away, until
// its source has been switched off and on again.
static void acknowledge(uint8_t status)
{
    uint8_t on = status & WRITABLE & ~(SERR_OFF | IOCHK_OFF);

    outb(NMI_SC, on | SERR_OFF | IOCHK_OFF);
    outb(NMI_SC, on);
}

static void handle(struct trap_frame *frame)
{
    uint8_t status = inb(NMI_SC);

    printf("\nNMI, %s, before ", cause(status));
    symbol_print(symbol_find(frame->rip), frame->rip);
    acknowledge(status);
}

void nmi_init(void)
{
    exception_set_handler(EXC_NMI, handle);
}

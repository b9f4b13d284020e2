// accesses.h: accesses to memory, and the page faults they raise.

#pragma once

#include "ktap.h"

#include <stddef.h>

#include "cpu.h"
#include "exceptions.h"
#include "idt.h"
#include "memory.h"

// The last one.
static struct {
    void *place[5];
    int error_code;  // or NO_FAULT
    virt_addr address;
} fault;

enum { NO_FAULT = -1, RET = 0xc3 };

static void note_fault(struct trap_frame *frame)
{
    fault.error_code = frame->error_code;
    fault.address    = read_cr2();
    __builtin_longjmp(fault.place, 1);
}

// Returns the error code of the page fault, or NO_FAULT.
static __attribute__((noinline, unused)) int
fault_of(void (*access)(virt_addr), virt_addr address)
{
    idt_init();
    fault.error_code = NO_FAULT;
    exception_set_handler(EXC_PAGE_FAULT, note_fault);
    if (__builtin_setjmp(fault.place) == 0)
        access(address);
    exception_set_handler(EXC_PAGE_FAULT, NULL);
    if (fault.error_code != NO_FAULT)
        CHECK_EQ(fault.address, address);
    return fault.error_code;
}

static __attribute__((unused)) void read_at(virt_addr address)
{
    *(volatile uint8_t *)address;
}

// What is a RET stays one.
static __attribute__((unused)) void write_at(virt_addr address)
{
    *(volatile uint8_t *)address = RET;
}

static __attribute__((unused)) void execute_at(virt_addr address)
{
    void (*code)(void) = (void (*)(void))address;

    code();
}

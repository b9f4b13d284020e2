// stepped.h: runs a function one instruction at a time, with devices of
// our own. It cannot tell them from real ones, but for the time: that
// passes as the check likes, between any two instructions.

#pragma once

#include "ktap.h"

#include <stddef.h>

#include "cpu.h"
#include "exceptions.h"

// What happens while a function runs. Step says that an instruction
// comes next; false: that was enough, leave the function.
static struct {
    bool (*step)(struct trap_frame *frame);
    uint8_t (*in)(uint16_t port);
    void (*out)(uint16_t port, uint8_t value);
    void *place[5];  // where to go on after that
} stepped;

uint64_t stepped_enter(uint64_t (*function)(void *), void *argument);
extern const char stepped_behind[];

// The trap comes after the instruction that follows popfq.
asm(".pushsection .text\n"
    "stepped_enter:\n"
    "sub $8, %rsp\n"
    "mov %rdi, %rax\n"
    "mov %rsi, %rdi\n"
    "pushfq\n"
    "orl $0x100, (%rsp)\n"
    "popfq\n"
    "call *%rax\n"
    "stepped_behind:\n"
    "add $8, %rsp\n"
    "ret\n"
    ".popsection\n");

enum {
    OPCODE_IN     = 0xe4,  // and the port
    OPCODE_OUT    = 0xe6,
    OPCODE_IN_DX  = 0xec,
    OPCODE_OUT_DX = 0xee,
};

// Is the next instruction for a device?
static __attribute__((unused)) bool
stepped_is_device(const struct trap_frame *frame)
{
    uint8_t code = *(const uint8_t *)frame->rip;

    return code == OPCODE_IN || code == OPCODE_OUT ||
           code == OPCODE_IN_DX || code == OPCODE_OUT_DX;
}

// Does the next instruction for the function, if it is for a device.
static bool stepped_device(struct trap_frame *frame)
{
    const uint8_t *code = (const uint8_t *)frame->rip;
    bool has_port       = *code == OPCODE_IN || *code == OPCODE_OUT;
    uint16_t port       = has_port ? code[1] : frame->rdx;

    switch (*code) {
    case OPCODE_IN:
    case OPCODE_IN_DX:
        frame->rax = (frame->rax & ~0xfful) | stepped.in(port);
        break;
    case OPCODE_OUT:
    case OPCODE_OUT_DX:
        stepped.out(port, frame->rax);
        break;
    default:
        return false;
    }
    frame->rip += has_port ? 2 : 1;
    return true;
}

static void stepped_trap(struct trap_frame *frame)
{
    do {
        if (frame->rip == (uint64_t)stepped_behind) {
            frame->rflags &= ~(uint64_t)RFLAGS_TF;
            return;
        }
        if (!stepped.step(frame))
            __builtin_longjmp(stepped.place, 1);
    } while (stepped_device(frame));
}

// Calls the function, with interrupts as they are now, and puts down
// what it returns. False: it was left, with interrupts disabled.
static __attribute__((noinline)) bool
stepped_run(uint64_t (*function)(void *), void *argument,
            uint64_t *value)
{
    exception_set_handler(EXC_DEBUG, stepped_trap);
    if (__builtin_setjmp(stepped.place) != 0)
        return false;
    *value = stepped_enter(function, argument);
    exception_set_handler(EXC_DEBUG, NULL);
    return true;
}

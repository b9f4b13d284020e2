// returns.c: why iretq, where popfq and lretq would be enough to restore
// what was interrupted in the same ring. Stubs of this file, not the
// kernel's. Intel SDM volume 3A, "Masking Exceptions and Interrupts When
// Switching Stacks" and volume 3B, "Debug Exceptions".

#include "ktap.h"

#include <stddef.h>

#include "03-exceptions/tables.h"
#include "exceptions.h"
#include "idt.h"

enum {
    FLAGS_TF = 1 << 8,
    FLAGS_IF = 1 << 9,
    FLAGS_RF = 1 << 16,

    TIMER =
        8,  // its vector, as the BIOS leaves the interrupt controller

    PIC1_COMMAND = 0x20,
    PIC1_DATA    = 0x21,
    PIC2_DATA    = 0xa1,
    PIC_READ_IRR = 0x0a,  // what is requested
    PIC_EOI      = 0x20,
};

// Pushed by the CPU.
struct frame {
    uint64_t rip, cs, rflags, rsp, ss;
};

void (*note)(struct frame *frame);
void note_frame(struct frame *frame);
uint64_t interrupted_at;  // by the timer

extern const char by_iretq[], by_popfq_lretq[], by_sti_lretq[], timer[];
extern const char popfq_end[], steps[], second_step[], third_step[];
extern const char stepped[], breakpoint_hit[], behind_int3[];
void take_steps(void), run_into_breakpoint(void), raise_int3(void);

// clang-format off
asm(".pushsection .text\n"
    ".macro save\n"
    ".irp r, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11\n"
    "push %\\r\n"
    ".endr\n"
    "cld\n"
    "lea 72(%rsp), %rdi\n"
    "call note_frame\n"
    ".irp r, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax\n"
    "pop %\\r\n"
    ".endr\n"
    ".endm\n"

    // Puts rflags, rip and cs right below where rsp was; rsp there.
    ".macro move_frame\n"
    "push %rax\n"
    "push %rbx\n"
    "push %rcx\n"
    "mov 48(%rsp), %rbx\n"    // rsp
    "mov 24(%rsp), %rax\n"    // rip
    "mov 32(%rsp), %rcx\n"    // cs
    "push 40(%rsp)\n"         // rflags
    "mov %rax, -16(%rbx)\n"
    "mov %rcx, -8(%rbx)\n"
    "pop -24(%rbx)\n"
    "lea -24(%rbx), %rbx\n"
    "mov %rbx, 24(%rsp)\n"
    "pop %rcx\n"
    "pop %rbx\n"
    "pop %rax\n"
    "pop %rsp\n"
    ".endm\n"

    "by_iretq:\n"
    "save\n"
    "iretq\n"

    "by_popfq_lretq:\n"
    "save\n"
    "move_frame\n"
    "popfq\n"
    "popfq_end:\n"
    "lretq\n"

    // As if the flags had been restored without IF before.
    "by_sti_lretq:\n"
    "save\n"
    "move_frame\n"
    "andq $~0x200, (%rsp)\n"
    "popfq\n"
    "sti\n"
    "lretq\n"

    "timer:\n"
    "push %rax\n"
    "mov 8(%rsp), %rax\n"
    "mov %rax, interrupted_at(%rip)\n"
    "mov $0x20, %al\n"
    "out %al, $0x20\n"
    "pop %rax\n"
    "andq $~0x200, 16(%rsp)\n"
    "iretq\n"

    "take_steps:\n"
    "pushfq\n"
    "orq $0x100, (%rsp)\n"
    "popfq\n"
    "steps: nop\n"
    "second_step: nop\n"
    "third_step: nop\n"
    "nop\n"
    "stepped: ret\n"

    "run_into_breakpoint:\n"
    "breakpoint_hit: nop\n"
    "ret\n"

    "raise_int3:\n"
    "int3\n"
    "behind_int3: nop\n"
    "cli\n"
    "ret\n"
    ".popsection\n");
// clang-format on

static void lead(int vector, const char *stub)
{
    uint8_t *gate = gate_of(vector);

    memcpy(gate, &stub, 2);
    memcpy(gate + 6, (const char *)&stub + 2, 6);
}

void note_frame(struct frame *frame)
{
    note(frame);
}

// Single-stepping

enum { NOTES = 5 };

static const char *places[NOTES];
static int notes;

static void note_step(struct frame *frame)
{
    places[notes++] = (const char *)frame->rip;
    if (notes == NOTES || frame->rip == (uint64_t)stepped)
        frame->rflags &= ~(uint64_t)FLAGS_TF;
}

static void take_steps_through(const char *stub)
{
    idt_init();
    lead(EXC_DEBUG, stub);
    note  = note_step;
    notes = 0;
    take_steps();
    idt_init();
}

TEST(iretq_lets_one_instruction_pass)
{
    take_steps_through(by_iretq);
    CHECK_EQ(notes, 4);
    CHECK_EQ(places[0], second_step);
    CHECK_EQ(places[1], third_step);
    CHECK_EQ(places[3], stepped);
}

// The trap comes after lretq, before the instruction it returns to.
TEST(popfq_and_lretq_never_get_on)
{
    take_steps_through(by_popfq_lretq);
    CHECK_EQ(notes, NOTES);
    for (int i = 0; i < NOTES; i++)
        CHECK_EQ(places[i], second_step);
}

// Hardware breakpoints: the resume flag

static void set_breakpoint(const char *address)
{
    asm volatile("mov %0, %%dr0; mov %1, %%dr7"
                 :
                 : "r"(address), "r"(address ? 1ul : 0ul));
}

static void note_breakpoint(struct frame *frame)
{
    CHECK_EQ(frame->rip, breakpoint_hit);
    frame->rflags |= FLAGS_RF;  // not at this instruction again
    if (++notes == NOTES)
        set_breakpoint(NULL);
}

static int breakpoints_through(const char *stub)
{
    idt_init();
    lead(EXC_DEBUG, stub);
    note  = note_breakpoint;
    notes = 0;
    set_breakpoint(breakpoint_hit);
    run_into_breakpoint();
    set_breakpoint(NULL);
    idt_init();
    return notes;
}

TEST(iretq_restores_the_resume_flag)
{
    CHECK_EQ(breakpoints_through(by_iretq), 1);
}

TEST(popfq_does_not)
{
    CHECK_EQ(breakpoints_through(by_popfq_lretq), NOTES);
}

// Interrupts

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

static void allow_interrupts(struct frame *frame)
{
    frame->rflags |= FLAGS_IF;
}

// Where an interrupt that waits comes through.
static uint64_t interrupted_through(const char *stub)
{
    idt_init();
    lead(EXC_BREAKPOINT, stub);
    lead(TIMER, timer);
    note = allow_interrupts;

    outb(PIC1_DATA, 0xfe);
    outb(PIC2_DATA, 0xff);
    outb(PIC1_COMMAND, PIC_READ_IRR);
    while (!(inb(PIC1_COMMAND) & 1))
        ;
    interrupted_at = 0;
    raise_int3();
    outb(PIC1_DATA, 0xff);
    idt_init();
    return interrupted_at;
}

TEST(iretq_is_done_before_an_interrupt)
{
    CHECK_EQ(interrupted_through(by_iretq), behind_int3);
}

// The stub's frame is still there: with each interrupt the stack grows.
TEST(interrupt_comes_between_popfq_and_lretq)
{
    CHECK_EQ(interrupted_through(by_popfq_lretq), popfq_end);
}

TEST(sti_holds_interrupts_back_for_one_instruction)
{
    CHECK_EQ(interrupted_through(by_sti_lretq), behind_int3);
}

// contributory.c: an exception that cannot be delivered because of
// another one. Intel SDM volume 3A, "Interrupt 8 - Double Fault
// Exception (#DF)":
//
//                                second
//      first                   #TS #NP #SS #GP     #PF
//      #DB #BP #UD             told                told
//      #DE #TS #NP #SS #GP     double fault        told
//      #PF                     double fault        double fault
//
// "Told" is the second exception alone: its cause gone, the instruction
// is executed again, and raises the first.

#include "ktap.h"

#include <stddef.h>

#include "cpu.h"
#include "exceptions.h"
#include "idt.h"
#include "task.h"

#define TSS_AVAILABLE (0x89ul << 40)

// Numbers of stacks. The kernel's come first.
enum {
    IST_UNMAPPED = 4,
    IST_NON_CANONICAL,
    IST_BEYOND = 7,  // the end of the TSS
};

enum {
    UNMAPPED     = 0x800,
    INT_TO_STACK = 200,     // a vector
    NO_SELECTOR  = 0x1ff8,  // beyond the GDT

    // Of an error code.
    ERROR_EXTERNAL = 1 << 0,
    ERROR_IDT      = 1 << 1,
    ERROR_INDEX    = 3,

    ERROR_WRITE = 2,  // of a page fault
};

// What raises the first exceptions, and where rip then is, by the names
// of the assembly below.
uint16_t not_present;  // a selector
void first_db(void), first_bp(void), first_ud(void), first_de(void);
void first_ts(void), first_np(void), first_ss(void), first_gp(void);
void first_pf(void);
extern const char at_db[], at_de[];

// clang-format off
asm(".pushsection .text\n"
    "first_db: pushfq\n"
    "orq $0x100, (%rsp)\n"
    "popfq\n"
    "nop\n"
    "at_db: ud2\n"
    "first_bp: int3\n"
    "first_ud: ud2\n"
    "first_de: xor %ecx, %ecx\n"
    "at_de: div %ecx\n"
    "first_ts: int $200\n"
    "first_np: mov not_present(%rip), %fs\n"
    "first_ss: mov not_present(%rip), %ss\n"
    "first_gp: .byte 0xa0\n"  // mov al, [1 << 63]
    ".quad 1 << 63\n"
    "first_pf: movb $1, 16\n"
    ".popsection\n");
// clang-format on

enum class { BENIGN, CONTRIBUTORY, PAGE_FAULT };

static const struct first {
    int vector;
    enum class class;
    void (*raise)(void);
    const void *rip;
} firsts[] = {
    {EXC_DEBUG, BENIGN, first_db, at_db},
    {EXC_BREAKPOINT, BENIGN, first_bp, first_bp},
    {EXC_INVALID_OPCODE, BENIGN, first_ud, first_ud},
    {EXC_DIVIDE_ERROR, CONTRIBUTORY, first_de, at_de},
    {EXC_INVALID_TSS, CONTRIBUTORY, first_ts, first_ts},
    {EXC_SEGMENT_NOT_PRESENT, CONTRIBUTORY, first_np, first_np},
    {EXC_STACK_SEGMENT, CONTRIBUTORY, first_ss, first_ss},
    {EXC_GENERAL_PROTECTION, CONTRIBUTORY, first_gp, first_gp},
    {EXC_PAGE_FAULT, PAGE_FAULT, first_pf, first_pf},
};

enum { FIRSTS = sizeof(firsts) / sizeof(firsts[0]) };

// What has arrived.
static struct trap_frame seen;
static uint64_t seen_cr2;
static void *place[5];

static void note(struct trap_frame *frame)
{
    seen     = *frame;
    seen_cr2 = read_cr2();
    __builtin_longjmp(place, 1);
}

static void set_handlers(exception_handler *handler)
{
    for (int v = 0; v < EXCEPTIONS; v++)
        exception_set_handler(v, handler);
}

// The kernel's TSS with more stacks, that ends before the last one.
static uint16_t load_our_tss(void)
{
    static const uint64_t more[] = {UNMAPPED, 1ul << 63};
    static char tss[TSS_IST1 + 6 * 8];
    uint64_t base         = (uint64_t)tss;
    uint64_t descriptor[] = {
        TSS_AVAILABLE | (sizeof(tss) - 1) | (base & 0xffffff) << 16 |
            (base >> 24 & 0xff) << 56,
        base >> 32,
    };
    uint16_t selector;

    memcpy(tss, task_state(), sizeof(tss));
    memcpy(tss + TSS_IST1 + 3 * 8, more, sizeof(more));
    selector = extend_gdt(descriptor, 2);
    load_tss(selector);
    return selector;
}

// Second exceptions, by what spoils the gate of the first

static uint16_t task;

static void spoil_present(uint8_t *gate)
{
    gate[GATE_TYPE] &= ~GATE_PRESENT;
}

static void spoil_selector(uint8_t *gate)
{
    const uint16_t selector = NO_SELECTOR;

    memcpy(gate + 2, &selector, sizeof(selector));
}

static void spoil_table(uint8_t *gate)
{
    gate[GATE_STACK] = IST_BEYOND;
}

static void spoil_stack(uint8_t *gate)
{
    gate[GATE_STACK] = IST_UNMAPPED;
}

static void spoil_stack_form(uint8_t *gate)
{
    gate[GATE_STACK] = IST_NON_CANONICAL;
}

// QEMU 7.2 takes vector * 16, not * 8, for where the gate is.
static void check_gate_error(uint64_t error, int vector)
{
    CHECK(error & ERROR_IDT);
    CHECK(error >> ERROR_INDEX == (uint64_t)vector ||
          error >> ERROR_INDEX == (uint64_t)vector * 2);
}

static void check_selector_error(uint64_t error, int vector)
{
    (void)vector;
    CHECK_EQ(error, NO_SELECTOR);
}

static void check_task_error(uint64_t error, int vector)
{
    (void)vector;
    CHECK_EQ(error, task);
}

static void check_page_error(uint64_t error, int vector)
{
    (void)vector;
    CHECK_EQ(error, ERROR_WRITE);
    CHECK(UNMAPPED - seen_cr2 <= 48);
}

static void check_no_error(uint64_t error, int vector)
{
    (void)vector;
    CHECK_EQ(error, 0);
}

// QEMU 7.2 raises #GP where the manual has #SS: both are contributory.
static const struct second {
    int vector, or_vector;
    enum class class;
    void (*spoil)(uint8_t *gate);
    void (*check_error)(uint64_t error, int vector);  // of the first
} seconds[] = {
    {EXC_SEGMENT_NOT_PRESENT, EXC_SEGMENT_NOT_PRESENT, CONTRIBUTORY,
     spoil_present, check_gate_error},
    {EXC_GENERAL_PROTECTION, EXC_GENERAL_PROTECTION, CONTRIBUTORY,
     spoil_selector, check_selector_error},
    {EXC_INVALID_TSS, EXC_INVALID_TSS, CONTRIBUTORY, spoil_table,
     check_task_error},
    {EXC_STACK_SEGMENT, EXC_GENERAL_PROTECTION, CONTRIBUTORY,
     spoil_stack_form, check_no_error},
    {EXC_PAGE_FAULT, EXC_PAGE_FAULT, PAGE_FAULT, spoil_stack,
     check_page_error},
};

enum { SECONDS = sizeof(seconds) / sizeof(seconds[0]) };

static const bool is_double_fault[3][3] = {
    [CONTRIBUTORY][CONTRIBUTORY] = true,
    [PAGE_FAULT][CONTRIBUTORY]   = true,
    [PAGE_FAULT][PAGE_FAULT]     = true,
};

static void check_pair(const struct first *first,
                       const struct second *second)
{
    bool both = is_double_fault[first->class][second->class];

    CHECK_EQ(seen.rip, first->rip);
    if (both) {
        CHECK_EQ(seen.vector, EXC_DOUBLE_FAULT);
        CHECK_EQ(seen.error_code, 0);
    } else {
        CHECK(seen.vector == (uint64_t)second->vector ||
              seen.vector == (uint64_t)second->or_vector);
        // QEMU 7.2 leaves the bit clear where the manual has it set.
        second->check_error(seen.error_code & ~(uint64_t)ERROR_EXTERNAL,
                            first->vector);
    }
}

static __attribute__((noinline)) void
raise_first(const struct first *first)
{
    seen = (struct trap_frame){0};
    if (__builtin_setjmp(place) == 0)
        first->raise();
}

static void set_up(void)
{
    idt_init();
    gate_of(INT_TO_STACK)[GATE_STACK] = IST_BEYOND;
}

static void begin(void)
{
    not_present = absent_segment();
    task        = load_our_tss();
    set_handlers(note);
}

static void end(void)
{
    set_handlers(NULL);
    restore_gdt();
    idt_init();
}

TEST(firsts_are_what_they_are_named)
{
    begin();
    for (int i = 0; i < FIRSTS; i++) {
        set_up();
        raise_first(&firsts[i]);
        CHECK_EQ(seen.vector, firsts[i].vector);
        // A breakpoint that has arrived is a trap.
        CHECK_EQ(seen.rip - (firsts[i].vector == EXC_BREAKPOINT),
                 firsts[i].rip);
    }
    end();
}

TEST(seconds_are_as_the_table_says)
{
    begin();
    for (int i = 0; i < FIRSTS; i++)
        for (int j = 0; j < SECONDS; j++) {
            set_up();
            seconds[j].spoil(gate_of(firsts[i].vector));
            raise_first(&firsts[i]);
            check_pair(&firsts[i], &seconds[j]);
        }
    end();
}

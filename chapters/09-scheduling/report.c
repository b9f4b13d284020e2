// report.c: what an unhandled exception was, and where. The registers
// it shows are those of a broken program: whatever memory they point
// to is read by probe_read.

#include "report.h"

#include <stddef.h>

#include "backtrace.h"
#include "cpu.h"
#include "page_fault.h"
#include "printf.h"
#include "probe.h"
#include "regions.h"
#include "threads.h"
#include "vga.h"

enum { INSTRUCTION_MAX = 15 };  // bytes

// Intel SDM volume 3A, "Error Code". The other bits are an index.
enum {
    ERROR_EXTERNAL = 1 << 0,
    ERROR_IDT      = 1 << 1,
    ERROR_LDT      = 1 << 2,
    ERROR_INDEX    = 3,  // the first of its bits
};

// By bit. Intel SDM volume 1, "EFLAGS Register".
static const char flags[][4] = {
    "CF", "",   "PF", "",    "AF",  "",   "ZF", "SF",  // 0
    "TF", "IF", "DF", "OF",  "",    "",   "NT", "",    // 8
    "RF", "VM", "AC", "VIF", "VIP", "ID",              // 16
};

enum { FLAGS = sizeof(flags) / sizeof(flags[0]), RFLAGS_IOPL = 12 };

// The first thread is meant if nothing is said. Which one it is comes
// last: what says so may be what is broken.
static void print_title(const struct trap_frame *frame)
{
    const struct thread *thread;

    vga_set_color(VGA_WHITE, VGA_RED);
    printf("\n%s, vector %lu", exception_name(frame->vector),
           frame->vector);
    thread = thread_current();
    if (thread->id != 0)
        printf(", thread %u, %s", thread->id, thread->name);
    vga_set_color(VGA_LIGHT_GREY, VGA_BLACK);
    printf("\n");
}

static const char *page_fault_access(uint64_t error)
{
    if (error & PF_FETCH)
        return "instruction fetch";
    return error & PF_WRITE ? "write" : "read";
}

static const char *page_fault_cause(uint64_t error)
{
    if (error & PF_RESERVED)
        return "reserved bit set in a table";
    return error & PF_PRESENT ? "not permitted" : "page not present";
}

static void print_page_fault(uint64_t error)
{
    virt_addr cr2 = read_cr2();

    printf("error code 0x%lx: %s in %s mode, %s\n", error,
           page_fault_access(error),
           error & PF_USER ? "user" : "supervisor",
           page_fault_cause(error));
    printf("cr2 %016lx: ", cr2);
    page_fault_explain(cr2, error);
    printf("\n");
}

static bool is_guard(virt_addr address)
{
    const struct region *region = region_find(address);

    return thread_overflows(address) ||
           (region && region->kind == REGION_GUARD);
}

// Most double faults here are a push that found no room. CR2 is then in
// a guard page; otherwise it may be old, and would mislead.
static void print_double_fault(void)
{
    virt_addr cr2 = read_cr2();

    if (!is_guard(cr2))
        return;
    printf("cr2 %016lx: ", cr2);
    page_fault_explain(cr2, PF_WRITE);
    printf("\n");
}

static const char *table_name(uint64_t error)
{
    if (error & ERROR_IDT)
        return "IDT";
    return error & ERROR_LDT ? "LDT" : "GDT";
}

static void print_selector(uint64_t error)
{
    printf("error code 0x%lx: ", error);
    if ((error & ~ERROR_EXTERNAL) == 0)
        printf("no selector");
    else
        printf("entry %lu of the %s", error >> ERROR_INDEX,
               table_name(error));
    printf("%s\n", error & ERROR_EXTERNAL ? ", external event" : "");
}

// The CPU pushes 32 bits. What has more was pushed as something else.
static void print_error_code(const struct trap_frame *frame)
{
    if (frame->error_code > UINT32_MAX) {
        printf("error code 0x%lx: none has so many bits\n",
               frame->error_code);
        return;
    }
    switch (frame->vector) {
    case EXC_PAGE_FAULT:
        print_page_fault(frame->error_code);
        break;
    case EXC_DOUBLE_FAULT:
        print_double_fault();
        break;
    case EXC_INVALID_TSS:
    case EXC_SEGMENT_NOT_PRESENT:
    case EXC_STACK_SEGMENT:
    case EXC_GENERAL_PROTECTION:
        print_selector(frame->error_code);
        break;
    default:
        if (frame->error_code != 0)
            printf("error code 0x%lx\n", frame->error_code);
    }
}

static void print_general(const struct trap_frame *f)
{
    printf("rax %016lx  rbx %016lx  rcx %016lx\n", f->rax, f->rbx,
           f->rcx);
    printf("rdx %016lx  rsi %016lx  rdi %016lx\n", f->rdx, f->rsi,
           f->rdi);
    printf("rbp %016lx  r8  %016lx  r9  %016lx\n", f->rbp, f->r8,
           f->r9);
    printf("r10 %016lx  r11 %016lx  r12 %016lx\n", f->r10, f->r11,
           f->r12);
    printf("r13 %016lx  r14 %016lx  r15 %016lx\n", f->r13, f->r14,
           f->r15);
    printf("rip %016lx  rsp %016lx  cs %04x  ss %04x\n", f->rip, f->rsp,
           (uint16_t)f->cs, (uint16_t)f->ss);
}

static void print_flags(uint64_t rflags)
{
    printf("rflags %016lx", rflags);
    for (int bit = FLAGS - 1; bit >= 0; bit--)
        if (rflags >> bit & 1 && flags[bit][0] != '\0')
            printf(" %s", flags[bit]);
    printf(" IOPL=%lu\n", rflags >> RFLAGS_IOPL & 3);
}

void report_registers(const struct trap_frame *frame)
{
    print_general(frame);
    print_flags(frame->rflags);
}

// An aligned word lies in one page: its other bytes cannot be out of
// reach when this one is not.
static bool read_byte(uint64_t address, uint8_t *byte)
{
    uint64_t word;

    if (!probe_read((const void *)(address & ~7ul), &word))
        return false;
    *byte = word >> address % 8 * 8;
    return true;
}

static void print_code(uint64_t rip)
{
    uint8_t byte;

    printf("code");
    for (int i = 0; i < INSTRUCTION_MAX; i++) {
        if (!read_byte(rip + i, &byte)) {
            printf(" (unreadable)");
            break;
        }
        printf(" %02x", byte);
    }
    printf("\n");
}

static void print_report(const struct trap_frame *frame)
{
    print_title(frame);
    print_error_code(frame);
    report_registers(frame);
    print_code(frame->rip);
    backtrace(frame);
}

// An exception in the middle of a report: the second is short, and the
// third is none.
void report_exception(const struct trap_frame *frame)
{
    static int depth;

    depth++;
    if (depth == 1)
        print_report(frame);
    else if (depth == 2)
        printf("\n%s at %016lx, while reporting\n",
               exception_name(frame->vector), frame->rip);
    else
        halt();
    depth--;
}

// raised.c: exceptions raised as programs raise them, not by int.

#include "captured.h"

#include "cpu.h"
#include "exceptions.h"
#include "live.h"
#include "printf.h"
#include "tables.h"

enum {
    NULL_PAGE = 0x10,  // an address in it
    CR0_EM    = 1 << 2,
    CR0_TS    = 1 << 3,
    CR0_NE    = 1 << 5,
    CR0_WP    = 1 << 16,
    MSR_EFER  = 0xc0000080,
    EFER_NXE  = 1 << 11,
    RFLAGS_T  = 1 << 8,
    RFLAGS_D  = 1 << 10,
};

#define CHECK_REPORT(raise, text) \
    CHECK_BEGINS(captured_report(raise), text)

static uint64_t read_cr0(void)
{
    uint64_t value;

    asm volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static void write_cr0(uint64_t value)
{
    asm volatile("mov %0, %%cr0" : : "r"(value));
}

static void divide(void)
{
    asm volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; div %%ecx"
                 :
                 :
                 : "eax", "ecx", "edx", "cc");
}

TEST(divide_error)
{
    CHECK_REPORT(divide, "\n#DE divide error, vector 0\nrax ");
}

static void single_step(void)
{
    asm volatile("pushfq; orq %0, (%%rsp); popfq; nop"
                 :
                 : "i"(RFLAGS_T)
                 : "cc", "memory");
}

TEST(debug)
{
    CHECK_REPORT(single_step, "\n#DB debug, vector 1\nrax ");
    CHECK(contains(captured.text, " TF"));
}

static void breakpoint_1(void)
{
    asm volatile("int3");
}

TEST(breakpoint)
{
    CHECK_REPORT(breakpoint_1, "\n#BP breakpoint, vector 3\nrax ");
}

static void invalid_opcode(void)
{
    asm volatile("ud2");
}

TEST(invalid_opcode)
{
    CHECK_REPORT(invalid_opcode,
                 "\n#UD invalid opcode, vector 6\nrax ");
    CHECK(contains(captured.text, "\ncode 0f 0b "));
}

// Each register has a number of its own. There is no way back.
static void fill_registers(void)
{
    asm volatile("mov $0x101, %eax; mov $0x102, %ebx;"
                 "mov $0x103, %ecx; mov $0x104, %edx;"
                 "mov $0x105, %esi; mov $0x106, %edi;"
                 "mov $0x107, %ebp; mov $0x108, %r8d;"
                 "mov $0x109, %r9d; mov $0x10a, %r10d;"
                 "mov $0x10b, %r11d; mov $0x10c, %r12d;"
                 "mov $0x10d, %r13d; mov $0x10e, %r14d;"
                 "mov $0x10f, %r15d; ud2");
}

TEST(registers_are_told_by_their_names)
{
    static const char names[][4] = {
        "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8 ",
        "r9 ", "r10", "r11", "r12", "r13", "r14", "r15",
    };
    char told[32];

    captured_report(fill_registers);
    for (int i = 0; i < 15; i++) {
        snprintf(told, sizeof(told), "%s %016x", names[i], 0x101 + i);
        CHECK(contains(captured.text, told));
    }
}

static void raise_downwards(void)
{
    asm volatile("std; ud2");
}

// The flag is as the report has left it.
TEST(report_runs_upwards)
{
    uint64_t flags;

    captured_report(raise_downwards);
    asm volatile("pushfq; pop %0; cld" : "=r"(flags));
    CHECK_EQ(flags & RFLAGS_D, 0);
    CHECK(contains(captured.text, " DF"));
}

static void use_fpu(void)
{
    asm volatile("fnop");
}

TEST(device_not_available)
{
    uint64_t cr0 = read_cr0();

    write_cr0(cr0 | CR0_TS);
    CHECK_REPORT(use_fpu, "\n#NM device not available, vector 7\nrax ");
    write_cr0(cr0);
}

static void divide_floats(void)
{
    const uint16_t unmasked = 0x037b;  // division by zero

    asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait"
                 :
                 : "m"(unmasked));
}

TEST(x87_floating_point_error)
{
    uint64_t cr0 = read_cr0();

    write_cr0((cr0 | CR0_NE) & ~(uint64_t)(CR0_EM | CR0_TS));
    CHECK_REPORT(divide_floats,
                 "\n#MF x87 floating-point error, vector 16\nrax ");
    asm volatile("fninit");
    write_cr0(cr0);
}

// Page faults

static volatile uint64_t *volatile address;

static void read(void)
{
    *address;
}

static void write(void)
{
    *address = 1;
}

static void fetch(void)
{
    void (*nowhere)(void) = (void (*)(void))address;

    nowhere();
}

TEST(page_fault_on_a_read)
{
    address = (uint64_t *)NULL_PAGE;
    CHECK_REPORT(read, "\n#PF page fault, vector 14\n"
                       "error code 0x0: read in supervisor mode, "
                       "page not present\n"
                       "cr2 0000000000000010");
}

TEST(page_fault_on_a_write)
{
    address = (uint64_t *)(NULL_PAGE + 8);
    CHECK_REPORT(write, "\n#PF page fault, vector 14\n"
                        "error code 0x2: write in supervisor mode, "
                        "page not present\n"
                        "cr2 0000000000000018");
}

static void allow_no_execute(void)
{
    uint32_t low, high;

    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
    asm volatile("wrmsr"
                 :
                 : "a"(low | EFER_NXE), "d"(high), "c"(MSR_EFER));
}

// The CPU tells a fetch from a read only if pages can be no-execute.
TEST(page_fault_on_a_fetch)
{
    allow_no_execute();
    address = (uint64_t *)NULL_PAGE;
    CHECK_REPORT(fetch, "\n#PF page fault, vector 14\n"
                        "error code 0x10: instruction fetch in "
                        "supervisor mode, page not present\n"
                        "cr2 0000000000000010");
    CHECK(contains(captured.text, "\ncode (unreadable)\n"));
}

static volatile uint64_t page[512] __attribute__((aligned(4096)));

// With the entry of page changed while the exception is raised.
static const char *report_with_entry(uint64_t set, uint64_t cleared)
{
    uint64_t *entry = live_entry((uint64_t)page);
    uint64_t before = *entry;

    address = &page[3];
    *entry  = (before | set) & ~cleared;
    live_forget((uint64_t)page);
    captured_report(write);
    *entry = before;
    live_forget((uint64_t)page);
    return captured.text;
}

TEST(page_fault_on_what_is_read_only)
{
    uint64_t cr0 = read_cr0();

    write_cr0(cr0 | CR0_WP);
    CHECK_BEGINS(report_with_entry(0, LIVE_WRITABLE),
                 "\n#PF page fault, vector 14\n"
                 "error code 0x3: write in supervisor mode, "
                 "not permitted\n");
    write_cr0(cr0);
}

// 0xb on a real CPU; QEMU 7.2 says that the page is not present.
TEST(page_fault_on_a_reserved_bit)
{
    const char *text = report_with_entry(1ul << 51, 0);

    CHECK_BEGINS(text, "\n#PF page fault, vector 14\nerror code ");
    CHECK(contains(text, ": write in supervisor mode, "
                         "reserved bit set in a table\n"));
}

TEST(page_fault_address_is_exact)
{
    char line[40];

    report_with_entry(0, LIVE_PRESENT);
    snprintf(line, sizeof(line), "\ncr2 %016lx", (uint64_t)&page[3]);
    CHECK(contains(captured.text, line));
}

// Error codes that name a selector

static void read_non_canonical(void)
{
    asm volatile("mov (%0), %%rax" : : "r"(1ul << 63) : "rax");
}

TEST(general_protection_without_a_selector)
{
    CHECK_REPORT(read_non_canonical,
                 "\n#GP general protection, vector 13\n"
                 "error code 0x0: no selector\nrax ");
}

static void load_selector_beyond_the_table(void)
{
    asm volatile("mov %0, %%fs" : : "r"(0x1ff8));
}

TEST(general_protection_with_a_selector)
{
    CHECK_REPORT(load_selector_beyond_the_table,
                 "\n#GP general protection, vector 13\n"
                 "error code 0x1ff8: entry 1023 of the GDT\nrax ");
}

static void load_local_selector(void)
{
    asm volatile("lldt %w0; mov %1, %%fs" : : "r"(0), "r"(0x1ffc));
}

TEST(general_protection_with_a_local_selector)
{
    CHECK_REPORT(load_local_selector,
                 "\n#GP general protection, vector 13\n"
                 "error code 0x1ffc: entry 1023 of the LDT\nrax ");
}

static void int_200_beyond_the_table(void)
{
    struct table idtr;

    asm volatile("sidt %0" : "=m"(idtr));
    idtr.limit = 200 * 16 - 1;
    asm volatile("lidt %0" : : "m"(idtr));
    asm volatile("int $200");
}

// 0x642 and entry 200; QEMU 7.2 says 0xc82, entry 400.
TEST(vector_beyond_the_table)
{
    CHECK_REPORT(int_200_beyond_the_table,
                 "\n#GP general protection, vector 13\nerror code 0x");
    CHECK(contains(captured.text, "00 of the IDT\nrax "));
}

static void int_200_absent(void)
{
    gate_of(200)[GATE_TYPE] &= ~GATE_PRESENT;
    asm volatile("int $200");
}

TEST(segment_not_present_in_the_idt)
{
    CHECK_REPORT(int_200_absent,
                 "\n#NP segment not present, vector 11\nerror code 0x");
    CHECK(contains(captured.text, "00 of the IDT\nrax "));
}

static void page_fault_absent(void)
{
    gate_of(EXC_PAGE_FAULT)[GATE_TYPE] &= ~GATE_PRESENT;
    address = (uint64_t *)NULL_PAGE;
    read();
}

TEST(double_fault)
{
    CHECK_REPORT(page_fault_absent,
                 "\n#DF double fault, vector 8\nrax ");
}

static uint16_t selector;

static void load_selector(void)
{
    asm volatile("mov %0, %%fs" : : "r"((uint32_t)selector));
}

TEST(segment_not_present)
{
    char text[120];

    selector = absent_segment();
    snprintf(text, sizeof(text),
             "\n#NP segment not present, vector 11\n"
             "error code 0x%x: entry %d of the GDT\nrax ",
             selector, selector / 8);
    CHECK_REPORT(load_selector, text);
}

static void load_stack_selector(void)
{
    asm volatile("mov %0, %%ss" : : "r"((uint32_t)selector));
}

TEST(stack_segment_fault)
{
    char text[120];

    selector = absent_segment();
    snprintf(text, sizeof(text),
             "\n#SS stack-segment fault, vector 12\n"
             "error code 0x%x: entry %d of the GDT\nrax ",
             selector, selector / 8);
    CHECK_REPORT(load_stack_selector, text);
}

static void int_200_on_its_stack(void)
{
    gate_of(200)[GATE_STACK] = 1;
    asm volatile("int $200");
}

TEST(invalid_tss)
{
    char text[120];

    selector = load_short_tss();
    snprintf(text, sizeof(text),
             "\n#TS invalid TSS, vector 10\n"
             "error code 0x%x: entry %d of the GDT\nrax ",
             selector, selector / 8);
    CHECK_REPORT(int_200_on_its_stack, text);
    restore_gdt();
}

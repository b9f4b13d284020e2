// gdt.c: the descriptors and the task-state segment that the CPU uses.
// Intel SDM volume 3A, "Segment Descriptors" and "Task Management in
// 64-bit Mode".

#include "03-exceptions/captured.h"

#include "stacks.h"

#include "01-boot/walk.h"
#include "exceptions.h"
#include "gdt.h"
#include "idt.h"
#include "task.h"

enum {
    TSS_SIZE   = 104,
    TSS_IO_MAP = 102,

    INTERRUPT_GATE = 0x8e,
    LOCAL          = 0xc,  // a selector of the LDT
};

// In bits 40 to 47 of a descriptor.
enum {
    ACCESS_ACCESSED   = 1 << 0,
    ACCESS_WRITABLE   = 1 << 1,
    ACCESS_EXECUTABLE = 1 << 3,
    ACCESS_SEGMENT    = 1 << 4,  // of code or data
    ACCESS_PRESENT    = 1 << 7,
    ACCESS_BUSY_TSS   = 0xb,

    FLAG_64_BIT = 1 << 1,
    FLAG_32_BIT = 1 << 2,
    FLAG_PAGES  = 1 << 3,  // the limit is in pages
};

static struct table gdtr(void)
{
    struct table table;

    asm volatile("sgdt %0" : "=m"(table));
    return table;
}

static uint16_t code_selector(void)
{
    uint16_t selector;

    asm volatile("mov %%cs, %0" : "=r"(selector));
    return selector;
}

// Of ds, since the CPU may clear ss when it goes to another stack, and
// not every test comes back by iretq.
static uint16_t data_selector(void)
{
    uint16_t selector;

    asm volatile("mov %%ds, %0" : "=r"(selector));
    return selector;
}

static uint16_t stack_selector(void)
{
    uint16_t selector;

    asm volatile("mov %%ss, %0" : "=r"(selector));
    return selector;
}

static uint64_t descriptor(uint16_t selector)
{
    return *(const uint64_t *)(gdtr().base + selector);
}

static int access_of(uint16_t selector)
{
    return descriptor(selector) >> 40 & 0xff;
}

static int flags_of(uint16_t selector)
{
    return descriptor(selector) >> 52 & 0xf;
}

TEST(table_is_of_whole_descriptors)
{
    CHECK_EQ(gdtr().limit % 8, 7);
    CHECK_EQ(gdtr().base % 8, 0);
    CHECK(code_selector() + 7 <= gdtr().limit);
    CHECK(data_selector() + 7 <= gdtr().limit);
    CHECK(task_register() + 15 <= gdtr().limit);
}

// What is behind the table is none of the CPU's business.
TEST(table_ends_with_its_descriptors)
{
    uint16_t last = gdtr().limit - 7;

    CHECK_EQ(descriptor(0), 0);
    CHECK(last == task_register() + 8 || descriptor(last) != 0);
}

TEST(code_and_data_are_what_they_are_named)
{
    uint16_t code = code_selector(), data = data_selector();

    CHECK_EQ(access_of(code) & ~ACCESS_WRITABLE,
             ACCESS_PRESENT | ACCESS_SEGMENT | ACCESS_EXECUTABLE |
                 ACCESS_ACCESSED);
    CHECK_EQ(flags_of(code) & (FLAG_64_BIT | FLAG_32_BIT), FLAG_64_BIT);
    CHECK_EQ(access_of(data), ACCESS_PRESENT | ACCESS_SEGMENT |
                                  ACCESS_WRITABLE | ACCESS_ACCESSED);
}

// The CPU writes to it: that a segment is accessed, that a TSS is busy.
TEST(tables_can_be_written)
{
    uint64_t size;

    CHECK(find_entry(gdtr().base, &size) & WRITABLE);
    CHECK(find_entry(gdtr().base + gdtr().limit, &size) & WRITABLE);
    CHECK(find_entry((uint64_t)task_state(), &size) & WRITABLE);
}

TEST(task_state_segment_is_there)
{
    uint16_t task = task_register();
    uint64_t low = descriptor(task), high = descriptor(task + 8);

    CHECK_EQ(access_of(task), ACCESS_PRESENT | ACCESS_BUSY_TSS);
    CHECK_EQ(flags_of(task) & FLAG_PAGES, 0);
    CHECK_EQ((low & 0xffff) | (low >> 48 & 0xf) << 16, TSS_SIZE - 1);
    CHECK_EQ(high >> 32, 0);
    CHECK(!is_hole((uint64_t)task_state()));
    CHECK(!is_hole((uint64_t)task_state() + TSS_SIZE - 1));
}

TEST(task_state_segment_allows_no_ports)
{
    uint16_t io_map;

    memcpy(&io_map, task_state() + TSS_IO_MAP, sizeof(io_map));
    CHECK(io_map >= TSS_SIZE);
}

static void load_local_selector(void)
{
    asm volatile("mov %0, %%fs" : : "r"(LOCAL));
}

// Nor the one that the CPU has after a reset, with a limit of 64 KiB.
TEST(there_is_no_local_table)
{
    uint16_t selector;

    asm volatile("sldt %0" : "=r"(selector));
    CHECK_EQ(selector, 0);
    CHECK_BEGINS(captured_report(load_local_selector),
                 "\n#GP general protection, vector 13\n"
                 "error code 0xc: entry 1 of the LDT\n");
}

static void check_stack(int number, int which)
{
    uint64_t address = ist_entry(number);
    uint64_t top     = (uint64_t)stacks[which].top;

    CHECK_EQ(address % 16, 0);
    CHECK_EQ(stack_at(address - 1), which);
    CHECK(address + 8 <= top);  // gdt.c says what the word is for
    CHECK(address + 64 >= top);
}

TEST(stacks_begin_at_their_tops)
{
    check_stack(IST_DOUBLE_FAULT, DOUBLE_FAULT_STACK);
    check_stack(IST_NMI, NMI_STACK);
    check_stack(IST_MACHINE_CHECK, MACHINE_CHECK_STACK);
}

// The selectors still lead somewhere

TEST(data_segments_can_be_loaded_again)
{
    uint32_t data = data_selector();

    asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs;"
                 "mov %0, %%gs; mov %0, %%ss"
                 :
                 : "r"(data)
                 : "memory");
    CHECK_EQ(data_selector(), data);
    CHECK_EQ(stack_selector(), data);
}

TEST(lretq_loads_the_code_segment)
{
    uint64_t cs = 0;

    asm volatile("push %1; lea 1f(%%rip), %0; push %0; lretq;"
                 "1: mov %%cs, %0"
                 : "=&r"(cs)
                 : "r"((uint64_t)code_selector())
                 : "memory");
    CHECK_EQ(cs, code_selector());
}

TEST(iretq_loads_both)
{
    uint64_t ss, rsp, before;

    asm volatile("mov %%rsp, %2; push %3; push %2; pushfq; push %4;"
                 "lea 1f(%%rip), %0; push %0; iretq;"
                 "1: mov %%ss, %0; mov %%rsp, %1"
                 : "=&r"(ss), "=&r"(rsp), "=&r"(before)
                 : "r"((uint64_t)data_selector()),
                   "r"((uint64_t)code_selector())
                 : "memory");
    CHECK_EQ(ss, data_selector());
    CHECK_EQ(rsp, before);
}

TEST(gates_lead_through_the_code_segment_and_clear_if)
{
    uint16_t selector;

    idt_init();
    for (int v = 0; v < VECTORS; v++) {
        memcpy(&selector, gate_of(v) + 2, sizeof(selector));
        CHECK_EQ(selector, code_selector());
        CHECK_EQ(gate_of(v)[GATE_TYPE], INTERRUPT_GATE);
    }
}

// A TSS that is busy cannot be loaded: gdt_init makes it anew.
TEST(table_can_be_loaded_again)
{
    uint16_t code = code_selector(), task = task_register();

    absent_segment();  // leaves the kernel's table
    gdt_init();
    CHECK_EQ(code_selector(), code);
    CHECK_EQ(task_register(), task);
    CHECK_EQ(access_of(task), ACCESS_PRESENT | ACCESS_BUSY_TSS);
}

// entry.c: the state in which boot.asm hands the CPU to C. It holds for
// the kernels of all chapters.

#include "ktap.h"

#include <stddef.h>

#define CR0_PE   (1ull << 0)
#define CR0_PG   (1ull << 31)
#define CR4_PAE  (1ull << 5)
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)

#define RFLAGS_IF (1ull << 9)
#define RFLAGS_DF (1ull << 10)

// A code or data segment's descriptor. Intel SDM volume 3A, "Segment
// Descriptor Tables in IA-32e Mode".
#define DESCRIPTOR_WRITABLE     (1ull << 41)
#define DESCRIPTOR_EXECUTABLE   (1ull << 43)
#define DESCRIPTOR_CODE_OR_DATA (1ull << 44)
#define DESCRIPTOR_DPL          (3ull << 45)
#define DESCRIPTOR_PRESENT      (1ull << 47)
#define DESCRIPTOR_64_BIT       (1ull << 53)
#define DESCRIPTOR_32_BIT       (1ull << 54)

enum { MSR_EFER = 0xc0000080, PAGE_SIZE = 4096 };

struct gdtr {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

extern const uint8_t stack_guard[], stack_bottom[], stack_top[];

// More than GRUB's own code and data leave alone.
static uint8_t untouched[64 * 1024];

static struct gdtr gdtr(void)
{
    struct gdtr value;

    asm volatile("sgdt %0" : "=m"(value));
    return value;
}

// The descriptor a selector stands for, or 0 if it stands for none.
static uint64_t descriptor(uint16_t selector)
{
    struct gdtr table = gdtr();

    if (!CHECK(selector >= 8 && selector % 8 == 0) ||
        !CHECK(selector + 7 <= table.limit))
        return 0;
    return *(uint64_t *)(table.base + selector);
}

static uint64_t rflags(void)
{
    uint64_t value;

    asm volatile("pushfq; pop %0" : "=r"(value));
    return value;
}

static uint64_t efer(void)
{
    uint32_t low, high;

    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
    return (uint64_t)high << 32 | low;
}

TEST(stack_is_aligned)
{
    CHECK_EQ((uint64_t)__builtin_frame_address(0) % 16, 0);
    CHECK_EQ((uint64_t)stack_top % 16, 0);
}

TEST(stack_is_ours)
{
    const uint8_t *frame = __builtin_frame_address(0);

    CHECK(frame > stack_bottom);
    CHECK(frame < stack_top);
    CHECK(stack_top - stack_bottom >= 16 * 1024);
}

TEST(stack_has_a_guard_below)
{
    CHECK_EQ((uint64_t)stack_guard % PAGE_SIZE, 0);
    CHECK_EQ(stack_guard + PAGE_SIZE, stack_bottom);
}

// The frames are linked through rbp. The first one, of kernel_main,
// lies right below boot.asm's return address at the top of the stack.
TEST(first_frame_ends_the_chain)
{
    const uint64_t *frame = __builtin_frame_address(0);

    for (int depth = 0; depth < 16 && frame[0] != 0; depth++)
        frame = (const uint64_t *)frame[0];
    CHECK_EQ(frame[0], 0);
    CHECK_EQ(frame + 2, stack_top);
}

TEST(cpu_is_in_64_bit_mode)
{
    uint64_t cr0, cr4;

    asm volatile("mov %%cr0, %0" : "=r"(cr0));
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    CHECK(cr0 & CR0_PE);
    CHECK(cr0 & CR0_PG);
    CHECK(cr4 & CR4_PAE);
    CHECK(efer() & EFER_LME);
    CHECK(efer() & EFER_LMA);
}

TEST(direction_is_upwards)
{
    CHECK(!(rflags() & RFLAGS_DF));
}

TEST(interrupts_are_off)
{
    CHECK(!(rflags() & RFLAGS_IF));
}

TEST(gdt_is_ours)
{
    struct gdtr table = gdtr();

    CHECK_EQ((table.limit + 1) % 8, 0);
    CHECK_EQ(table.base % 8, 0);
    CHECK_EQ(*(uint64_t *)table.base, 0);
}

TEST(code_segment_is_64_bit)
{
    uint16_t cs;
    uint64_t code;

    asm volatile("mov %%cs, %0" : "=r"(cs));
    code = descriptor(cs);
    CHECK(code & DESCRIPTOR_PRESENT);
    CHECK(code & DESCRIPTOR_CODE_OR_DATA);
    CHECK(code & DESCRIPTOR_EXECUTABLE);
    CHECK(code & DESCRIPTOR_64_BIT);
    CHECK(!(code & DESCRIPTOR_32_BIT));  // both together are reserved
    CHECK_EQ(code & DESCRIPTOR_DPL, 0);
}

static void check_data_segment(uint16_t selector)
{
    uint64_t data = descriptor(selector);

    CHECK(data & DESCRIPTOR_PRESENT);
    CHECK(data & DESCRIPTOR_CODE_OR_DATA);
    CHECK(data & DESCRIPTOR_WRITABLE);
    CHECK(!(data & DESCRIPTOR_EXECUTABLE));
    CHECK_EQ(data & DESCRIPTOR_DPL, 0);
}

#define READ_SEGMENT(name, value) \
    asm volatile("mov %%" name ", %0" : "=r"(value))

TEST(data_segments_are_loaded)
{
    uint16_t selector;

    READ_SEGMENT("ss", selector);
    check_data_segment(selector);
    READ_SEGMENT("ds", selector);
    check_data_segment(selector);
    READ_SEGMENT("es", selector);
    check_data_segment(selector);
    READ_SEGMENT("fs", selector);
    check_data_segment(selector);
    READ_SEGMENT("gs", selector);
    check_data_segment(selector);
}

TEST(bss_is_zero)
{
    size_t i = 0;

    while (i < sizeof(untouched) && untouched[i] == 0)
        i++;
    CHECK_EQ(i, sizeof(untouched));
}

TEST(argument_is_the_boot_information)
{
    const uint32_t *info = (const uint32_t *)ktap_argument;
    const uint32_t *last;

    CHECK_EQ(ktap_argument % 8, 0);
    if (!CHECK(info != NULL) || !CHECK(info[0] >= 16))
        return;
    CHECK_EQ(info[0] % 8, 0);
    last = info + info[0] / 4 - 2;
    CHECK_EQ(last[0], 0);  // the type of the end tag, and its size
    CHECK_EQ(last[1], 8);
}

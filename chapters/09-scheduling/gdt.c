// gdt.c: segments in long mode have no base and no limit, and yet the
// table is needed: for the kernel's own two, which iretq loads, and for
// the task-state segment, in which the CPU finds stacks.

#include "gdt.h"

#include <stddef.h>
#include <stdint.h>

#include "cpu.h"
#include "panic.h"

// Intel SDM volume 3A, "Task Management in 64-bit Mode".
struct tss {
    uint32_t reserved_0;
    uint64_t rsp[3];  // for a change to a higher privilege; none yet
    uint64_t reserved_1;
    uint64_t ist[7];  // ist[0] is the one a gate calls 1
    uint64_t reserved_2;
    uint16_t reserved_3;
    uint16_t io_map;  // where the bitmap of allowed ports begins
} __attribute__((packed));

_Static_assert(sizeof(struct tss) == 104, "the CPU reads 104 bytes");
_Static_assert(offsetof(struct tss, ist) == 36, "IST1 is at byte 36");

// In the order of boot.asm, and of what the instruction syscall expects
// of the kernel's two. Intel SDM volume 3A, "Segment Descriptor Tables
// in IA-32e Mode".
enum { CODE = 1, DATA, TSS, TSS_HIGH, DESCRIPTORS };

#define DESCRIPTOR_ACCESSED     (1ul << 40)
#define DESCRIPTOR_WRITABLE     (1ul << 41)
#define DESCRIPTOR_EXECUTABLE   (1ul << 43)
#define DESCRIPTOR_CODE_OR_DATA (1ul << 44)
#define DESCRIPTOR_PRESENT      (1ul << 47)
#define DESCRIPTOR_64_BIT       (1ul << 53)
#define DESCRIPTOR_TSS          (9ul << 40)  // not busy

#define SEGMENT \
    (DESCRIPTOR_PRESENT | DESCRIPTOR_CODE_OR_DATA | DESCRIPTOR_ACCESSED)

extern const char double_fault_stack_top[];  // stacks.asm
extern const char nmi_stack_top[], machine_check_stack_top[];

static _Alignas(128) struct tss tss;  // not across two pages

static uint64_t gdt[DESCRIPTORS] = {
    [CODE] = SEGMENT | DESCRIPTOR_EXECUTABLE | DESCRIPTOR_64_BIT,
    [DATA] = SEGMENT | DESCRIPTOR_WRITABLE,
};

// A frame that lacks its error code, as int 8 makes one, seems to reach
// a word higher than it does. That word must be there, and the stack
// stay aligned.
static void set_stack(int ist, const char *top)
{
    tss.ist[ist - 1] = (uint64_t)top - 16;
}

// The descriptor of a system segment takes two entries.
static void set_tss_descriptor(void)
{
    uint64_t base = (uint64_t)&tss;

    gdt[TSS] = DESCRIPTOR_PRESENT | DESCRIPTOR_TSS | (sizeof(tss) - 1) |
               (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
    gdt[TSS_HIGH] = base >> 32;
}

void gdt_init(void)
{
    set_stack(IST_DOUBLE_FAULT, double_fault_stack_top);
    set_stack(IST_NMI, nmi_stack_top);
    set_stack(IST_MACHINE_CHECK, machine_check_stack_top);
    tss.io_map = sizeof(tss);  // there is none
    set_tss_descriptor();
    load_gdt(gdt, sizeof(gdt));
    load_ldt(0);  // after a reset it has 64 KiB from address 0 on
    load_tss(TSS * sizeof(*gdt));
    assert(read_cs() == CODE * sizeof(*gdt));
}

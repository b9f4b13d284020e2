// regions.c: the map of the kernel's address space. memory_init makes
// page tables of it, and a report says by it what an address was.

#include "regions.h"

#include "paging.h"
#include "printf.h"

extern const char text_start[];  // kernel.ld
extern const char rodata_start[], data_start[];

// stacks.asm: three labels each.
#define STACK_LABELS(label) \
    extern const char label##_guard[], label##_bottom[], label##_top[]

STACK_LABELS(double_fault_stack);
STACK_LABELS(nmi_stack);
STACK_LABELS(machine_check_stack);
STACK_LABELS(stack);

#define READ_EXECUTE 0
#define READ_ONLY    PAGE_NO_EXECUTE
#define READ_WRITE   (PAGE_WRITABLE | PAGE_NO_EXECUTE)

#define GUARD(what, label) \
    (virt_addr) label##_guard, (virt_addr)label##_bottom, \
        REGION_GUARD, 0, what " stack guard", \
        "guard page: the " what " stack has overflowed"

#define STACK(what, label) \
    (virt_addr) label##_bottom, (virt_addr)label##_top, REGION_IMAGE, \
        READ_WRITE, what " stack", "missing " what " stack"

const struct region regions[] = {
    {0, PAGE_SIZE, REGION_HOLE, 0, "page 0", "null pointer"},
    {DIRECT_MAP, DIRECT_MAP + DIRECT_MAP_SIZE, REGION_POOL, READ_WRITE,
     "direct map", "direct map of memory that is not in use"},
    {DEMAND_ZERO, DEMAND_ZERO + DEMAND_ZERO_SIZE, REGION_POOL,
     READ_WRITE, "demand-zero memory", "there is no frame left for it"},
    {LARGE_BLOCKS, LARGE_BLOCKS + LARGE_BLOCKS_SIZE, REGION_POOL,
     READ_WRITE, "large blocks",
     "no block of the heap: it is free, or "
     "this is behind its end"},
    {(virt_addr)text_start, (virt_addr)rodata_start, REGION_IMAGE,
     READ_EXECUTE, "kernel code", "missing kernel code"},
    {(virt_addr)rodata_start, (virt_addr)data_start, REGION_IMAGE,
     READ_ONLY, "kernel constants", "missing kernel constants"},
    {(virt_addr)data_start, (virt_addr)double_fault_stack_guard,
     REGION_IMAGE, READ_WRITE, "kernel data", "missing kernel data"},
    {GUARD("double fault", double_fault_stack)},
    {STACK("double fault", double_fault_stack)},
    {GUARD("NMI", nmi_stack)},
    {STACK("NMI", nmi_stack)},
    {GUARD("machine check", machine_check_stack)},
    {STACK("machine check", machine_check_stack)},
    {GUARD("kernel", stack)},
    {STACK("kernel", stack)},
};

const size_t regions_count = sizeof(regions) / sizeof(regions[0]);

const struct region *region_find(virt_addr address)
{
    for (size_t i = 0; i < regions_count; i++)
        if (address >= regions[i].start && address < regions[i].end)
            return &regions[i];
    return NULL;
}

static const char *rights(const struct region *region)
{
    if (region->kind == REGION_HOLE || region->kind == REGION_GUARD)
        return "---";
    if (region->flags & PAGE_WRITABLE)
        return region->flags & PAGE_NO_EXECUTE ? "rw-" : "rwx";
    return region->flags & PAGE_NO_EXECUTE ? "r--" : "r-x";
}

void regions_print(void)
{
    for (size_t i = 0; i < regions_count; i++)
        printf("%016lx-%016lx %s %s\n", regions[i].start,
               regions[i].end - 1, rights(&regions[i]),
               regions[i].name);
}

// page_fault.c: page faults that are no mistake, and what the others
// mean.

#include "page_fault.h"

#include "cpu.h"
#include "exceptions.h"
#include "paging.h"
#include "printf.h"
#include "regions.h"
#include "threads.h"

// Intel SDM volume 3A, "Page-Fault Exceptions": the address is in CR2,
// the error code says what was tried.
static bool is_first_touch(virt_addr address, uint64_t error_code)
{
    return (error_code & ~(uint64_t)PF_WRITE) == 0 &&
           address - DEMAND_ZERO < DEMAND_ZERO_SIZE;
}

// False: no frame is left, for the page or for a table.
static bool supply(virt_addr address)
{
    virt_addr page = align_down(address, PAGE_SIZE);

    if (!page_map_new(&kernel_space, page,
                      PAGE_WRITABLE | PAGE_NO_EXECUTE))
        return false;
    page_clear((void *)page);
    return true;
}

// CR2 first: the next page fault overwrites it.
static void handle(struct trap_frame *frame)
{
    virt_addr address = read_cr2();

    if (!is_first_touch(address, frame->error_code) || !supply(address))
        exception_unhandled(frame);
}

void page_fault_init(void)
{
    exception_set_handler(EXC_PAGE_FAULT, handle);
}

void page_fault_explain(virt_addr address, uint64_t error_code)
{
    const struct region *region = region_find(address);

    if (thread_overflows(address))
        printf("guard page: the stack of thread %u has overflowed",
               thread_current()->id);
    else if (!region)
        printf("no memory of the kernel");
    else if (error_code & PF_FETCH && region->flags & PAGE_NO_EXECUTE)
        printf("%s cannot be executed", region->name);
    else if (!(error_code & PF_PRESENT))
        printf("%s", region->absent);
    else if (error_code & PF_WRITE)
        printf("%s cannot be written", region->name);
    else
        printf("%s", region->name);
}

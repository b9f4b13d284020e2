// slab_header_freed.c: the page that a small block is in.
// Panic: 0xffff80[0-9a-f]{7}000 is no block of the heap

#include "../open.h"

#include "heap.h"
#include "memory.h"

TEST(panics)
{
    virt_addr block = (virt_addr)kmalloc(100);

    open_console();
    kfree((void *)align_down(block, PAGE_SIZE));
}

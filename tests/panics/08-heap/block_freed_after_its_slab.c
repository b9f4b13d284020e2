// block_freed_after_its_slab.c: twice; its frame has been given back
// meanwhile.
// Panic: 0xffff80[0-9a-f]{9}0 is no block of the heap

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    void *block = kmalloc(100);

    open_console();
    kfree(block);
    heap_trim();
    kfree(block);
}

// image_freed.c: a variable of the kernel.
// Panic: 0xffffffff80[0-9a-f]{6} is no block of the heap

#include "../open.h"

#include "heap.h"

static _Alignas(16) char bytes[64];

TEST(panics)
{
    open_console();
    kfree(bytes);
}

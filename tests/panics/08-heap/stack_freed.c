// stack_freed.c: a local variable.
// Panic: 0xffffffff80[0-9a-f]{6} is no block of the heap

#include "../open.h"

#include "heap.h"

TEST(panics)
{
    _Alignas(16) char bytes[64] = "on the stack";
    void *volatile block        = bytes;

    open_console();
    kfree(block);
}

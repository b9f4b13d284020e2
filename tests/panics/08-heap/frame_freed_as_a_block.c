// frame_freed_as_a_block.c: a frame is none, though it is memory, and
// whatever is in it.
// Panic: 0xffff80[0-9a-f]{7}200 is no block of the heap

#include "../open.h"

#include "frames.h"
#include "heap.h"
#include "string.h"

TEST(panics)
{
    char *frame = direct_map(frame_alloc());

    open_console();
    memset(frame, 1, PAGE_SIZE);
    kfree(frame + 512);
}

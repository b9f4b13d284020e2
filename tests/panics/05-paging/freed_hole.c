// freed_hole.c: a frame between two places with memory is given back.
// What was in memory before must not pass for bits of frames in use.
// Panic: frame_free: 0{10}300000 is not in use

#include "../open.h"

#include "05-paging/loader.h"
#include "frames.h"

TEST(panics)
{
    struct loader_area first  = {0, 16 * PAGE_SIZE, 1, 0};
    struct loader_area second = {4 << 20, 16 * PAGE_SIZE, 1, 0};

    open_console();
    first.base = frame_alloc();
    while (frame_alloc() < second.base)
        ;
    memset(direct_map(first.base), 0xff, first.length);
    loader_start_with(first, second);
    memory_init(loader_end());
    while (frame_alloc() != NO_FRAME)
        ;
    frame_free(3 << 20);
}

// memory_of_7_pages.c: memory for the tables of the direct map and for
// the bits of the frames, but not for frames.
// Panic: too little memory: nothing is left

#include "../open.h"

#include "05-paging/loader.h"
#include "frames.h"

TEST(panics)
{
    struct loader_area area = {0, 7 * PAGE_SIZE, 1, 0};
    struct loader_area none = {64 << 20, 0, 1, 0};

    open_console();
    area.base = frame_alloc();
    loader_start_with(area, none);
    memory_init(loader_end());
}

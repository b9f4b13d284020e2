// memory_of_6_pages.c: too little for the tables of the direct map and
// the bits of the frames.
// Panic: too little memory: no [0-9]+ bytes in one piece

#include "../open.h"

#include "05-paging/loader.h"
#include "frames.h"

TEST(panics)
{
    struct loader_area area = {0, 6 * PAGE_SIZE, 1, 0};
    struct loader_area none = {64 << 20, 0, 1, 0};

    open_console();
    area.base = frame_alloc();
    loader_start_with(area, none);
    memory_init(loader_end());
}

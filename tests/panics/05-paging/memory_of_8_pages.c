// memory_of_8_pages.c: a frame for the root, and none for page tables.
// Panic: too little memory: no frame for a page table

#include "../open.h"

#include "05-paging/loader.h"
#include "frames.h"

TEST(panics)
{
    struct loader_area area = {0, 8 * PAGE_SIZE, 1, 0};
    struct loader_area none = {64 << 20, 0, 1, 0};

    open_console();
    area.base = frame_alloc();
    loader_start_with(area, none);
    memory_init(loader_end());
}

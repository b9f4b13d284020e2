// memory_above_4_gib.c: memory that the first page tables do not reach.
// Panic: too little memory: no [0-9]+ bytes in one piece

#include "../open.h"

#include "05-paging/loader.h"
#include "frames.h"

TEST(panics)
{
    struct loader_area few   = {0, 2 * PAGE_SIZE, 1, 0};
    struct loader_area above = {4ul << 30, 1 << 30, 1, 0};

    open_console();
    few.base = frame_alloc();
    loader_start_with(few, above);
    memory_init(loader_end());
}

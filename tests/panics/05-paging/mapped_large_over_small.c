// mapped_large_over_small.c: a large page is mapped over a small one.
// Panic: page_map: 0000000000400000 has tables of small pages

#include "../open.h"

#include "frames.h"
#include "paging.h"

TEST(panics)
{
    open_console();
    page_map(&kernel_space, 0x5ff000, 0x5000, 0);
    page_map_large(&kernel_space, 0x400000, 0, 0);
}

// mapped_into_a_large_page.c: a page is mapped where a large one is.
// Panic: page_map: 00000000005ff000 is mapped already

#include "../open.h"

#include "frames.h"
#include "paging.h"

TEST(panics)
{
    open_console();
    page_map_large(&kernel_space, 0x400000, 0, 0);
    page_map(&kernel_space, 0x5ff000, 0x5000, 0);
}

// unmapped_in_a_large_page.c: a large page is not unmapped in part.
// Panic: 0000000000401000 is not the address of a page

#include "../open.h"

#include "frames.h"
#include "paging.h"

TEST(panics)
{
    open_console();
    page_map_large(&kernel_space, 0x400000, 0, 0);
    page_unmap(&kernel_space, 0x401000);
}

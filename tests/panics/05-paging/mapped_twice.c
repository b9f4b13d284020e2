// mapped_twice.c: a page is mapped that is mapped already.
// Panic: page_map: 0000000000400000 is mapped already

#include "../open.h"

#include "frames.h"
#include "paging.h"

TEST(panics)
{
    open_console();
    page_map(&kernel_space, 0x401000, 0x5000, 0);
    page_map(&kernel_space, 0x400000, 0x5000, 0);
    page_map(&kernel_space, 0x400000, 0x5000, 0);
}

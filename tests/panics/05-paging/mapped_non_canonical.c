// mapped_non_canonical.c: the address of the page is none.
// Panic: page_map: no page 0{4}80{11} or no frame 0{12}5000

#include "../open.h"

#include "frames.h"
#include "paging.h"

TEST(panics)
{
    open_console();
    page_map(&kernel_space, 0x800000000000, 0x5000, 0);
}

// mapped_large_unaligned.c: no large page begins at such an address.
// Panic: page_map: no page 0{10}401000 or no frame 0{12}0000

#include "../open.h"

#include "frames.h"
#include "paging.h"

TEST(panics)
{
    open_console();
    page_map_large(&kernel_space, 0x401000, 0, 0);
}

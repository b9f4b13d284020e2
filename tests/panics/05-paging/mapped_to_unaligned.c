// mapped_to_unaligned.c: no frame begins at such an address.
// Panic: page_map: no page 0{10}400000 or no frame 0{12}5001

#include "../open.h"

#include "frames.h"
#include "paging.h"

TEST(panics)
{
    open_console();
    page_map(&kernel_space, 0x400000, 0x5001, 0);
}

// mapped_unaligned.c: no page begins at such an address.
// Panic: page_map: no page 0{10}400008 or no frame 0{12}5000

#include "../open.h"

#include "frames.h"
#include "paging.h"

TEST(panics)
{
    open_console();
    page_map(&kernel_space, 0x400008, 0x5000, 0);
}

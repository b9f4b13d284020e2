// protected_non_canonical.c: an address that is none gets other rights.
// Panic: 0001000000400000 is not the address of a page

#include "../open.h"

#include "frames.h"
#include "paging.h"

TEST(panics)
{
    open_console();
    page_map(&kernel_space, 0x400000, 0x5000, 0);
    page_protect(&kernel_space, 0x1000000400000, 0);
}

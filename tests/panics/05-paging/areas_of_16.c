// areas_of_16.c: areas that are too small for what has to be in them.
// Panic: .*: a memory map of 40 bytes, with areas of 16

#include "../open.h"

#include "05-paging/loader.h"
#include "memory_map.h"

static struct range_set usable;

TEST(panics)
{
    static const struct loader_area area = {0, 64 << 20,
                                            LOADER_AVAILABLE, 0};

    open_console();
    loader_start();
    loader_put_map(&area, 1, LOADER_AREA);
    *(uint32_t *)&loader.bytes[16] = 16;
    memory_map_read(loader_end(), &usable);
}

// short_memory_map.c: a memory map that ends in its head.
// Panic: .*: a memory map of 12 bytes, with areas of 24

#include "../open.h"

#include "05-paging/loader.h"
#include "memory_map.h"

static struct range_set usable;

TEST(panics)
{
    open_console();
    loader_start();
    loader_put(BOOT_TAG_MEMORY_MAP);
    loader_put(12);
    loader_put(LOADER_AREA);
    loader_put(0);
    memory_map_read(loader_end(), &usable);
}

// short_module.c: a module that does not say where it ends.
// Panic: boot information at 0x[0-9a-f]+: a broken module

#include "../open.h"

#include "05-paging/loader.h"
#include "memory_map.h"

static struct range_set usable;

TEST(panics)
{
    open_console();
    loader_start();
    loader_put_map(NULL, 0, LOADER_AREA);
    loader_put(BOOT_TAG_MODULE);
    loader_put(12);
    loader_put(0);
    loader_put(0);
    memory_map_read(loader_end(), &usable);
}

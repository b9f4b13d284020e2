// backward_module.c: a module that ends before it starts.
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
    loader_put_module(0x2000, 0x4000);
    loader_put_module(0x3000, 0x2fff);
    memory_map_read(loader_end(), &usable);
}

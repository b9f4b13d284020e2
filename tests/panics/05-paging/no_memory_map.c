// no_memory_map.c: the loader does not say what memory there is.
// Panic: the loader does not say what memory there is

#include "../open.h"

#include "05-paging/loader.h"
#include "memory_map.h"

static struct range_set usable;

TEST(panics)
{
    open_console();
    loader_start();
    loader_put_module(0, 0);
    memory_map_read(loader_end(), &usable);
}

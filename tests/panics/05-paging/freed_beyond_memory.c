// freed_beyond_memory.c: a frame is given back that does not exist.
// Panic: frame_free: 0000007fffff0000 is not in use

#include "../open.h"

#include "frames.h"

TEST(panics)
{
    open_console();
    frame_free(DIRECT_MAP_SIZE - 16 * PAGE_SIZE);
}

// freed_too_early.c: a frame is given back that nobody has taken yet.
// Panic: frame_free: [0-9a-f]{13}000 is not in use

#include "../open.h"

#include "frames.h"

TEST(panics)
{
    phys_addr frame = frame_alloc();

    open_console();
    frame_free(frame);
    frame_alloc();
    frame_free(frame + PAGE_SIZE);
}

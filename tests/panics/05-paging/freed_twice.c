// freed_twice.c: a frame is given back twice.
// Panic: frame_free: [0-9a-f]{13}000 is not in use

#include "../open.h"

#include "frames.h"

TEST(panics)
{
    phys_addr frame = frame_alloc();

    open_console();
    frame_free(frame);
    frame_free(frame_alloc());
    frame_free(frame);
}

// freed_in_the_middle.c: an address in a frame is given back.
// Panic: frame_free: [0-9a-f]{13}008 is not in use

#include "../open.h"

#include "frames.h"

TEST(panics)
{
    open_console();
    frame_free(frame_alloc() + 8);
}

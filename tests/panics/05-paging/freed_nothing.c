// freed_nothing.c: the frame that was not to be had is given back.
// Panic: frame_free: 0{16} is not in use

#include "../open.h"

#include "frames.h"

TEST(panics)
{
    open_console();
    frame_free(NO_FRAME);
}

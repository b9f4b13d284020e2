// freed_image.c: a part of the kernel is given back.
// Panic: frame_free: 0{10}1[0-9a-f]{2}000 is not in use

#include "../open.h"

#include "frames.h"

static const uint8_t page[PAGE_SIZE]
    __attribute__((aligned(PAGE_SIZE)));

TEST(panics)
{
    open_console();
    frame_free(image_address(page));
}

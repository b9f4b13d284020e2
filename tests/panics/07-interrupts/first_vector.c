// first_vector.c: the controllers have only five bits for it.
// Panic: assertion failed: first_vector % 8 == 0

#include "../open.h"

#include "pic.h"

TEST(panics)
{
    open_console();
    pic_init(0xf0);
    pic_init(36);
}

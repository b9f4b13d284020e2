// entry.c: what chapter 01 promises to C.

#include "ktap.h"

TEST(stack_is_aligned)
{
    CHECK_EQ((uint64_t)__builtin_frame_address(0) % 16, 0);
}

// tables.c: where there must not be any memory.

#include "walk.h"

extern const uint8_t stack_guard[], stack_bottom[], stack_top[];

TEST(first_page_is_a_hole)
{
    CHECK(is_hole(0));
    CHECK(is_hole(4095));
}

TEST(stack_guard_is_a_hole)
{
    CHECK(is_hole((uint64_t)stack_guard));
    CHECK(is_hole((uint64_t)stack_bottom - 1));
    CHECK(!is_hole((uint64_t)stack_bottom));
    CHECK(!is_hole((uint64_t)stack_top - 1));
}

// passes.c: nothing is wrong here.

#include "ktap.h"

TEST(first)
{
    CHECK(true);
}

TEST(second)
{
    CHECK_EQ(1 + 1, 2);
}

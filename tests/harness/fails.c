// fails.c: one test fails, and says why.

#include "ktap.h"

TEST(good)
{
    CHECK(true);
}

TEST(bad)
{
    CHECK_EQ(1 + 1, 3);
    CHECK(0 > 1);
}

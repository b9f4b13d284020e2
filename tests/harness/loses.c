// loses.c: a test that the source shows and the kernel does not have.

#include "ktap.h"

TEST(kept)
{
    CHECK(true);
}

#if 0
TEST(lost)
{
    CHECK(true);
}
#endif

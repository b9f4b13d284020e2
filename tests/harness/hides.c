// hides.c: a test that the source does not show; the harness must notice.

#include "ktap.h"

#define HIDDEN(name) TEST(name)

TEST(shown)
{
    CHECK(true);
}

HIDDEN(hidden)
{
    CHECK(true);
}

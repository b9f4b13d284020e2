// floods.c: a test that fails again and again does not fill the screen.

#include "ktap.h"

TEST(loop)
{
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(i, -1);
}

// assertion.c: assert tells what did not hold, even if it has a %.
// Panic: assertion failed: answer % 2 == 0

#include "../open.h"

TEST(panics)
{
    int answer = 43;

    open_console();
    assert(answer == 43);
    assert(answer % 2 == 0);
}

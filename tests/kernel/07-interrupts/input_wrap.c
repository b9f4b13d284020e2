// input_wrap.c: the queue's counters after all keys that they can
// count. They are set to just before that: nobody types so long.

#include "lines.h"

enum { QUEUE = 128 };

#define input_put  our_input_put
#define input_get  our_input_get
#define input_lost our_input_lost
#include <input.c>

static void fill(int count)
{
    for (int i = 0; i < count; i++)
        our_input_put(1 + i % 200);
}

TEST(counters_wrap_around)
{
    quiet();
    for (int before = 0; before <= QUEUE + 1; before++) {
        put   = -before;
        taken = put;
        fill(QUEUE);
        CHECK_EQ(our_input_lost(), 0);
        fill(3);
        CHECK_EQ(our_input_lost(), 3);
        for (int i = 0; i < QUEUE; i++)
            CHECK_EQ(our_input_get(), 1 + i % 200);
        CHECK(put == taken);
    }
}

// debug_byte_behind_moved.c: found when the block grows. How much is to
// be copied is told by a note that may be wrong, too.
// Make: DEBUG=heap
// Panic: the end of the block 0xffffd[0-9a-f]{8}000 is overwritten: it cannot have 8680820740569200760 bytes

#include "../open.h"

#include "heap.h"
#include "string.h"

TEST(panics)
{
    char *block = kmalloc(4096);

    open_console();
    memset(block, 'x', 8192);
    krealloc(block, 100000);
}

// debug_byte_behind_an_array.c: of 5 elements, and then of 6. It is
// found by heap_check.
// Make: DEBUG=heap
// Before: block of 48 bytes at 0xffff80[0-9a-f]{9}0, allocated by [0-9a-f]{16} get_more\+0x[0-9a-f]+
// Panic: somebody wrote to byte 48 of it: 01

#include "../open.h"

#include "heap.h"

static __attribute__((noinline)) uint64_t *get_more(uint64_t *array)
{
    array    = krealloc(array, 6 * sizeof(*array));
    array[5] = 5;
    return array;
}

TEST(panics)
{
    uint64_t *array = kcalloc(5, sizeof(*array));

    open_console();
    heap_check();
    array = get_more(array);
    heap_check();
    array[6] = 1;
    heap_check();
}

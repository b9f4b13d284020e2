// blocks.c: what blocks cost, in instructions.

#include "../rdtsc.h"
#include "ktap.h"

#include <stddef.h>

#include "heap.h"
#include "memory.h"

enum { LARGEST = 1904 };  // of the small ones

static uint64_t overhead(void)
{
    uint64_t start = rdtsc();

    return rdtsc() - start;
}

// A block and back, when there is a free one, and when its tables are
// there.
static __attribute__((noinline)) uint64_t time_pair(size_t size)
{
    uint64_t start;

    kfree(kmalloc(size));
    start = rdtsc();
    kfree(kmalloc(size));
    return rdtsc() - start - overhead();
}

static void tell(const char *name, uint64_t instructions)
{
    ktap_value(name, instructions, "instructions");
}

TEST(pairs)
{
    tell("kmalloc_kfree_64", time_pair(64));
    tell("kmalloc_kfree_16", time_pair(16));
    tell("kmalloc_kfree_1904", time_pair(LARGEST));
    tell("kmalloc_kfree_page", time_pair(PAGE_SIZE));
    tell("kmalloc_kfree_64k", time_pair(65536));
}

// The first one of its class takes a frame and makes blocks of it.
static __attribute__((noinline)) uint64_t time_first(size_t size)
{
    uint64_t start, instructions;
    void *block;

    heap_trim();
    start        = rdtsc();
    block        = kmalloc(size);
    instructions = rdtsc() - start - overhead();
    kfree(block);
    return instructions;
}

TEST(new_frames)
{
    kfree(kmalloc(100));
    tell("kmalloc_new_slab_16", time_first(16));
    tell("kmalloc_new_slab_64", time_first(64));
    tell("kmalloc_new_slab_1904", time_first(LARGEST));
}

// From 16 bytes to 64 KiB, each time twice as many.
static __attribute__((noinline)) uint64_t time_growth(void)
{
    void *block = kmalloc(16);
    uint64_t start, instructions;

    start = rdtsc();
    for (size_t size = 32; size <= 65536; size *= 2)
        block = krealloc(block, size);
    instructions = rdtsc() - start - overhead();
    kfree(block);
    return instructions;
}

TEST(growth)
{
    time_growth();
    tell("krealloc_16_to_64k", time_growth());
}

// What stays where it is.
TEST(resizing)
{
    void *block = kmalloc(64);
    uint64_t start;

    start = rdtsc();
    krealloc(block, 50);
    tell("krealloc_in_place", rdtsc() - start - overhead());
    kfree(block);
}

// blocks.h: blocks that bear marks, and all that a heap can give.

#pragma once

#include "ktap.h"

#include <stddef.h>

#include "frames.h"
#include "heap.h"
#include "heap_debug.h"
#include "memory.h"

enum { UNIT = 16 };  // blocks begin at multiples of it

// Writes a word to each 16 bytes of a block, and its last byte.
static __attribute__((unused)) void mark(void *block, size_t size,
                                         uint64_t tag)
{
    uint8_t *bytes = block;

    for (size_t i = 0; i + 8 < size; i += UNIT)
        *(uint64_t *)(bytes + i) = tag + i;
    if (size > 0)
        bytes[size - 1] = tag;
}

// Are the marks of the first bytes still there?
static __attribute__((unused)) bool begins_marked(const void *block,
                                                  size_t size,
                                                  size_t marked,
                                                  uint64_t tag)
{
    const uint8_t *bytes = block;

    for (size_t i = 0; i + 8 <= size && i + 8 < marked; i += UNIT)
        if (*(const uint64_t *)(bytes + i) != tag + i)
            return false;
    return true;
}

static __attribute__((unused)) bool is_marked(const void *block,
                                              size_t size, uint64_t tag)
{
    return begins_marked(block, size, size, tag) &&
           (size == 0 ||
            ((const uint8_t *)block)[size - 1] == (uint8_t)tag);
}

static __attribute__((unused)) virt_addr page_of(const void *block)
{
    return align_down((virt_addr)block, PAGE_SIZE);
}

// No small block begins where a page does: the header is there.
static __attribute__((unused)) bool has_pages(const void *block)
{
    return page_of(block) == (virt_addr)block;
}

// How many frames there are when the heap keeps none for later.
static __attribute__((unused)) size_t frames_without_heap(void)
{
    heap_trim();
    return frames_free();
}

// Blocks in a list, each with marks of its own.
struct owned {
    struct owned *next;
    size_t size;
};

static struct owned *owned;

// A block of at least the size of the structure. False: there is none.
static __attribute__((unused)) bool own(size_t size)
{
    struct owned *block = kmalloc(size);

    if (!block)
        return false;
    *block = (struct owned){owned, size};
    mark(block + 1, size - sizeof(*block), (uint64_t)block);
    owned = block;
    return true;
}

// Returns how many blocks there were.
static __attribute__((unused)) size_t own_all(size_t size)
{
    size_t count = 0;

    while (own(size))
        count++;
    return count;
}

static __attribute__((unused)) void disown(void)
{
    struct owned *block = owned;

    CHECK(is_marked(block + 1, block->size - sizeof(*block),
                    (uint64_t)block));
    owned = block->next;
    kfree(block);
}

static __attribute__((unused)) void disown_all(void)
{
    while (owned)
        disown();
}

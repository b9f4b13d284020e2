// slabs.h: how small blocks share a frame, seen from outside.

#pragma once

#include "blocks.h"

enum {
    MOST      = PAGE_SIZE / UNIT + 1,  // blocks, more than in a frame
    LARGEST   = 1904,  // the largest small block, a note included
    OVERHEAD  = HEAP_DEBUG_MARGIN,
    SMALL_END = LARGEST - OVERHEAD + 1,  // the first size that is not
};

struct layout {
    size_t first;  // where the first block is in its frame
    size_t gap;    // from one to the next
    size_t count;  // of blocks in the frame
};

// What is kept of the blocks in one frame.
static struct layout layout_of_units(const bool *begins)
{
    struct layout layout = {0, PAGE_SIZE, 0};
    size_t last          = 0;

    for (size_t at = 0; at < PAGE_SIZE; at += UNIT) {
        if (!begins[at / UNIT])
            continue;
        if (layout.count++ == 0)
            layout.first = at;
        else if (at - last < layout.gap)
            layout.gap = at - last;
        last = at;
    }
    return layout;
}

// Fills a frame with blocks of a size, looks at it, and gives all back.
static __attribute__((unused)) struct layout layout_of(size_t size)
{
    static void *blocks[MOST];
    bool begins[PAGE_SIZE / UNIT] = {0};
    size_t count = PAGE_SIZE / (size < UNIT ? UNIT : size) + 1;

    heap_trim();
    for (size_t i = 0; i < count; i++) {
        blocks[i] = kmalloc(size);
        if (page_of(blocks[i]) == page_of(blocks[0]))
            begins[(virt_addr)blocks[i] % PAGE_SIZE / UNIT] = true;
    }
    for (size_t i = 0; i < count; i++)
        kfree(blocks[i]);
    heap_trim();
    return layout_of_units(begins);
}

// large.c: frames are single, a block has to be in one piece. So its
// pages are mapped one behind the other.
//
// Addresses are no scarce good. There is a part of the address space
// for each order of size, cut into slots of 2^order pages, and a block
// takes a slot that is larger than it is:
//
//      order 2:    | page page page      | page page           | ...
//                    block of 3 pages      block of 2 pages
//
// All that is to be known of a block is in the page tables: it begins
// where its slot does, and ends at the first page that is not mapped.

#include "large.h"

#include <stdint.h>

#include "frames.h"
#include "interrupts.h"
#include "memory.h"
#include "paging.h"
#include "panic.h"
#include "printf.h"

enum { ORDERS = 28, ORDER_SHIFT = 40 };

_Static_assert((uint64_t)ORDERS << ORDER_SHIFT == LARGE_BLOCKS_SIZE,
               "memory.h leaves room for them");

_Static_assert(DIRECT_MAP_SIZE / PAGE_SIZE <= 1ul << (ORDERS - 1),
               "there is an order for less than all memory");

static size_t lowest[ORDERS];  // no slot of an order below is free
static size_t blocks, pages;

static virt_addr slot_start(int order, size_t slot)
{
    return LARGE_BLOCKS + ((uint64_t)order << ORDER_SHIFT) +
           (slot * PAGE_SIZE << order);
}

// The order of an address, and the slot.
static int order_at(virt_addr address)
{
    return (address - LARGE_BLOCKS) >> ORDER_SHIFT;
}

static size_t slot_at(virt_addr address)
{
    return ((address - LARGE_BLOCKS) & ((1ul << ORDER_SHIFT) - 1)) /
               PAGE_SIZE >>
           order_at(address);
}

static size_t slots_of(int order)
{
    return (1ul << ORDER_SHIFT) / PAGE_SIZE >> order;
}

// 3 pages are of order 2, 4 of order 3: one stays free.
static int order_of(size_t count)
{
    return 64 - __builtin_clzl(count);
}

static bool is_mapped(virt_addr page)
{
    phys_addr frame;

    return page_translate(&kernel_space, page, &frame);
}

static bool add_page(virt_addr page)
{
    uint64_t flags = interrupts_disable();
    bool added     = page_map_new(&kernel_space, page,
                                  PAGE_WRITABLE | PAGE_NO_EXECUTE);

    pages += added;
    interrupts_restore(flags);
    return added;
}

// Maps the first page of the first slot that has none, and by that
// takes it. Interrupts are disabled for one slot at a time: the lowest
// may be another one each time. 0: there is no frame.
static virt_addr claim(int order)
{
    while (lowest[order] < slots_of(order)) {
        uint64_t flags  = interrupts_disable();
        virt_addr start = slot_start(order, lowest[order]);
        bool is_free    = !is_mapped(start);
        bool claimed    = is_free && add_page(start);

        lowest[order] += claimed || !is_free;
        blocks += claimed;
        interrupts_restore(flags);
        if (is_free)
            return claimed ? start : 0;
    }
    return 0;
}

static void drop_page(virt_addr page)
{
    uint64_t flags = interrupts_disable();

    frame_free(page_unmap(&kernel_space, page));
    pages--;
    interrupts_restore(flags);
}

// The first page goes last: until then nobody takes the slot.
static void drop(virt_addr start, size_t count)
{
    uint64_t flags;
    int order = order_at(start);

    while (count > 1)
        drop_page(start + --count * PAGE_SIZE);
    flags = interrupts_disable();
    drop_page(start);
    if (lowest[order] > slot_at(start))
        lowest[order] = slot_at(start);
    blocks--;
    interrupts_restore(flags);
}

static size_t count_pages(virt_addr start)
{
    size_t count = 0;

    while (is_mapped(start + count * PAGE_SIZE))
        count++;
    return count;
}

void *large_alloc(size_t size)
{
    size_t count = (size - 1) / PAGE_SIZE + 1;
    virt_addr start;

    if (count > frames_free())
        return NULL;
    start = claim(order_of(count));
    if (start == 0)
        return NULL;
    for (size_t i = 1; i < count; i++)
        if (!add_page(start + i * PAGE_SIZE)) {
            drop(start, i);
            return NULL;
        }
    return (void *)start;
}

// Returns how many pages a block has.
static size_t check(const void *block)
{
    virt_addr start = (virt_addr)block;

    if (start - LARGE_BLOCKS >= LARGE_BLOCKS_SIZE ||
        start != slot_start(order_at(start), slot_at(start)))
        panic("%p is no block of the heap", (void *)block);
    if (!is_mapped(start))
        panic("the large block %p is free already, or never was one",
              (void *)block);
    return count_pages(start);
}

void large_free(void *block)
{
    drop((virt_addr)block, check(block));
}

size_t large_block_size(const void *block)
{
    return check(block) * PAGE_SIZE;
}

void large_print(void)
{
    printf("%zu large blocks, of %zu frames\n", blocks, pages);
}

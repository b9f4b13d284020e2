// frames.c: who has which frame of physical memory.
//
// Frames that were given back are a list, linked through the frames
// themselves. Those that were never used follow one another in usable:
//
//      | in use, or in the list    | not yet |   not in the direct map
//      +---------------------------+---------+------------------------
//                                  next    limit
//
// So nothing has to be done to a frame before its first use, and the
// kernel starts as fast with much memory as with little.

#include "frames.h"

#include "direct_map.h"
#include "panic.h"

enum { BITS = 64 };  // of a word of in_use

struct free_frame {
    phys_addr next;
};

static const struct range_set *usable;
static size_t current;         // the range that next is in
static phys_addr next, limit;  // limit: behind what is in reach
static phys_addr free_list;

// One bit for each frame from address 0 on: did frame_alloc return it?
// The words behind known hold anything.
static uint64_t *in_use;
static size_t known;

static size_t total, taken;  // frames

static uint64_t bit_of(phys_addr frame)
{
    return 1ul << frame / PAGE_SIZE % BITS;
}

static uint64_t *word_of(phys_addr frame)
{
    return &in_use[frame / PAGE_SIZE / BITS];
}

// Moves the limit on, to the end of the large page that next is in, or
// of the range. False: there is no more memory.
static bool extend(void)
{
    const struct range *range = &usable->ranges[current];
    phys_addr page_end;

    if (next == range->end) {
        if (current + 1 == usable->count)
            return false;
        current++;
        range++;
        next = range->start;
    }
    page_end = align_down(next, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE;
    limit    = page_end < range->end ? page_end : range->end;
    direct_map_add(next, limit);
    while (&in_use[known] <= word_of(limit - 1))
        in_use[known++] = 0;
    return true;
}

static phys_addr mark(phys_addr frame)
{
    *word_of(frame) |= bit_of(frame);
    taken++;
    return frame;
}

static phys_addr take_listed(void)
{
    const struct free_frame *frame = direct_map(free_list);
    phys_addr address              = free_list;

    free_list = frame->next;
    return address;
}

phys_addr frame_alloc(void)
{
    if (free_list != NO_FRAME)
        return mark(take_listed());
    if (next == limit && !extend())
        return NO_FRAME;
    next += PAGE_SIZE;
    return mark(next - PAGE_SIZE);
}

static bool is_in_use(phys_addr frame)
{
    return frame % PAGE_SIZE == 0 && frame < next &&
           *word_of(frame) & bit_of(frame);
}

void frame_free(phys_addr frame)
{
    struct free_frame *freed = direct_map(frame);

    if (!is_in_use(frame))
        panic("frame_free: %016lx is not in use", frame);
    *word_of(frame) &= ~bit_of(frame);
    taken--;
    freed->next = free_list;
    free_list   = frame;
}

size_t frames_free(void)
{
    return total - taken;
}

size_t frames_total(void)
{
    return total;
}

// Takes memory out of the set, where boot.asm has mapped it.
static phys_addr reserve(struct range_set *set, size_t size)
{
    for (size_t i = 0; i < set->count; i++) {
        phys_addr start = set->ranges[i].start;
        phys_addr end   = align_up(start + size, PAGE_SIZE);

        if (end <= set->ranges[i].end && end <= BOOT_MAP_SIZE) {
            range_remove(set, start, end);
            return start;
        }
    }
    panic("too little memory: no %zu bytes in one piece", size);
}

static void start_with(const struct range_set *set)
{
    if (set->count == 0)
        panic("too little memory: nothing is left");
    usable    = set;
    current   = 0;
    next      = set->ranges[0].start;
    limit     = next;
    free_list = NO_FRAME;
    known     = 0;
    total     = range_total(set) / PAGE_SIZE;
    taken     = 0;
    extend();  // makes known what lies below next
}

static phys_addr end_of(const struct range_set *set)
{
    return set->count > 0 ? set->ranges[set->count - 1].end : 0;
}

void frames_init(struct range_set *set)
{
    phys_addr end   = end_of(set);
    size_t tables   = direct_map_table_size(end);
    size_t words    = end / PAGE_SIZE / BITS + 1;
    size_t size     = tables + words * sizeof(*in_use);
    phys_addr start = reserve(set, size);

    direct_map_init(start, size);
    in_use = direct_map(start + tables);
    start_with(set);
}

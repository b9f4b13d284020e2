// fragmentation.c: how much memory the heap takes for what is asked of
// it, beside the classic way: a list of all that is free, in the order
// of addresses, of which the first piece that is large enough is taken.
// Both serve the same blocks.
//
// B. W. Kernighan, D. M. Ritchie, "The C Programming Language", section
// "A Storage Allocator".

#include "../rdtsc.h"
#include "ktap.h"

#include <stddef.h>

#include "frames.h"
#include "heap.h"
#include "paging.h"
#include "printf.h"

enum {
    ALLOCATIONS = 100000,
    PHASE       = 25000,  // after so many, other sizes are usual
    EVERY       = 2000,   // from one point of a line to the next
    LIFE_MOST   = 1 << 15,
    LIVE_MOST   = 1 << 12,
};

// First fit. Pieces lie one behind the other, from DEMAND_ZERO up to
// the end, and each begins with a header, of whose size it is a
// multiple.

struct piece {
    struct piece *next;  // that is free, if this one is
    size_t size;         // in bytes, with the header
};

enum { TRIM = 4 * PAGE_SIZE };  // if more is free at the end, it goes

static struct piece *pieces;  // that are free
static virt_addr end = DEMAND_ZERO;
static size_t visited;

static virt_addr end_of(const struct piece *piece)
{
    return (virt_addr)piece + piece->size;
}

static bool touch(const struct piece *a, const struct piece *b)
{
    return a && b && end_of(a) == (virt_addr)b;
}

static void join(struct piece *piece)
{
    piece->size += piece->next->size;
    piece->next = piece->next->next;
}

// Gives back the pages of the last piece, but for one that begins
// before it.
static void shrink(struct piece **last)
{
    virt_addr from = align_up((virt_addr)*last, PAGE_SIZE);

    (*last)->size -= end - from;
    if ((*last)->size == 0)
        *last = NULL;
    for (; end > from; end -= PAGE_SIZE)
        frame_free(page_unmap(&kernel_space, end - PAGE_SIZE));
}

// Puts a piece into the list, and makes one of those that touch.
// Returns where that one is.
static struct piece **put(struct piece *piece)
{
    struct piece **at = &pieces, **place = &pieces, *before = NULL;

    for (; *at && *at < piece; visited++) {
        before = *at;
        place  = at;
        at     = &before->next;
    }
    piece->next = *at;
    *at         = piece;
    if (touch(piece, piece->next))
        join(piece);
    if (!touch(before, piece))
        return at;
    join(before);
    return place;
}

static bool grow(size_t size)
{
    struct piece *piece = (struct piece *)end;

    for (size_t at = 0; at < size; at += PAGE_SIZE, end += PAGE_SIZE)
        if (!page_map_new(&kernel_space, end, PAGE_WRITABLE))
            return false;
    piece->size = end - (virt_addr)piece;
    put(piece);
    return true;
}

// The first piece that is large enough, or null.
static struct piece **find(size_t size)
{
    struct piece **at = &pieces;

    for (; *at && (*at)->size < size; at = &(*at)->next)
        visited++;
    visited += *at != NULL;
    return *at ? at : NULL;
}

static void *first_fit_alloc(size_t asked)
{
    size_t size =
        align_up(asked, sizeof(struct piece)) + sizeof(struct piece);
    struct piece **at, *piece, *rest;

    while (!(at = find(size)))
        if (!grow(size))
            return NULL;
    piece = *at;
    if (piece->size == size) {
        *at = piece->next;
        return piece + 1;
    }
    rest        = (struct piece *)((char *)piece + size);
    *rest       = (struct piece){piece->next, piece->size - size};
    *at         = rest;
    piece->size = size;
    return piece + 1;
}

static void first_fit_free(void *block)
{
    struct piece **at = put((struct piece *)block - 1);

    if (end_of(*at) == end && (*at)->size > TRIM)
        shrink(at);
}

// What is asked for: always the same, by chance (xorshift). Most blocks
// live short, some longer, a few to the end.

static uint64_t state;

static uint64_t chance(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t between(uint64_t least, uint64_t most)
{
    return least + chance() % (most - least + 1);
}

// Small ones, then also medium ones, small ones again, and in the end a
// few that need pages.
static size_t next_size(int number)
{
    static const struct {
        uint16_t least, most, one_in, large;
    } phases[] = {
        {8, 128, 64, 512},
        {64, 1024, 16, 2048},
        {8, 128, 64, 512},
        {16, 256, 64, 16384},
    };
    int phase = number / PHASE;

    if (chance() % phases[phase].one_in == 0)
        return between(phases[phase].most, phases[phase].large);
    return between(phases[phase].least, phases[phase].most);
}

// For how many allocations it will live.
static uint64_t next_life(void)
{
    uint64_t kind = chance() % 100;

    return kind < 80   ? between(1, 256)
           : kind < 95 ? between(1, 4096)
                       : between(1, LIFE_MOST);
}

struct block {
    uint8_t *start;
    size_t size;
    struct block *next;
};

static struct block blocks[LIVE_MOST], *unused;
static size_t asked;  // bytes, of all blocks there are

// Those that are freed before an allocation.
static struct block **due_before(int number)
{
    static struct block *due[LIFE_MOST];

    return &due[number % LIFE_MOST];
}

struct cost {
    uint64_t total, worst;  // instructions
    size_t visited;         // pieces
};

static const struct allocator {
    const char *name;
    void *(*alloc)(size_t size);
    void (*free)(void *block);
} first_fit = {"first_fit", first_fit_alloc, first_fit_free},
  slabs     = {"slabs", kmalloc, kfree};

static struct cost alloc_cost, free_cost;

static void add_cost(struct cost *cost, uint64_t start)
{
    uint64_t instructions = rdtsc() - start;

    cost->total += instructions;
    if (instructions > cost->worst)
        cost->worst = instructions;
    cost->visited += visited;
    visited = 0;
}

// A block's first and last byte.
static uint8_t mark_of(const struct block *block)
{
    return (block - blocks) % 251;
}

static void free_one(const struct allocator *by, struct block *block)
{
    uint64_t start;

    CHECK_EQ(block->start[0], mark_of(block));
    CHECK_EQ(block->start[block->size - 1], mark_of(block));
    start = rdtsc();
    by->free(block->start);
    add_cost(&free_cost, start);
    asked -= block->size;
    block->next = unused;
    unused      = block;
}

static bool alloc_one(const struct allocator *by, int number)
{
    struct block *block = unused;
    size_t size         = next_size(number);
    uint64_t life       = next_life(), start;

    if (!CHECK(block != NULL))
        return false;
    unused       = block->next;
    start        = rdtsc();
    block->start = by->alloc(size);
    add_cost(&alloc_cost, start);
    if (!CHECK(block->start != NULL))
        return false;
    block->size            = size;
    block->start[0]        = mark_of(block);
    block->start[size - 1] = mark_of(block);
    asked += size;
    block->next                = *due_before(number + life);
    *due_before(number + life) = block;
    return true;
}

static void free_due(const struct allocator *by, int number)
{
    struct block **due = due_before(number);

    while (*due) {
        struct block *block = *due;

        *due = block->next;
        free_one(by, block);
    }
}

// A point of a line in the book's figure; common/record reads it.
static void tell_point(const char *line, int number, size_t bytes)
{
    char name[64];

    snprintf(name, sizeof(name), "%s@%d_allocations", line, number);
    ktap_value(name, bytes, "bytes");
}

static void tell(const struct allocator *by, const char *what,
                 uint64_t value, const char *unit)
{
    char name[64];

    snprintf(name, sizeof(name), "%s_%s", by->name, what);
    ktap_value(name, value, unit);
}

// In the mean, and at worst.
static void tell_costs(const struct allocator *by)
{
    tell(by, "alloc", alloc_cost.total / ALLOCATIONS, "instructions");
    tell(by, "alloc_worst", alloc_cost.worst, "instructions");
    tell(by, "free", free_cost.total / ALLOCATIONS, "instructions");
    tell(by, "free_worst", free_cost.worst, "instructions");
}

static void start(void)
{
    state      = 0x9e3779b97f4a7c15;
    unused     = NULL;
    alloc_cost = (struct cost){0};
    free_cost  = (struct cost){0};
    for (size_t i = 0; i < LIVE_MOST; i++) {
        blocks[i].next = unused;
        unused         = &blocks[i];
    }
}

// Page tables are part of what is taken.
static void run(const struct allocator *by)
{
    size_t before = frames_free();

    start();
    for (int number = 0; number <= ALLOCATIONS; number++) {
        size_t taken = (before - frames_free()) * PAGE_SIZE;

        if (number % EVERY == 0 && by == &first_fit)
            tell_point("asked_for", number, asked);
        if (number % EVERY == 0)
            tell_point(by->name, number, taken);
        free_due(by, number);
        if (number < ALLOCATIONS && !alloc_one(by, number))
            return;
    }
    for (int i = 1; i < LIFE_MOST; i++)
        free_due(by, ALLOCATIONS + i);
    CHECK_EQ(asked, 0);
    tell_costs(by);
}

TEST(both_serve_them)
{
    run(&first_fit);
    CHECK(end - DEMAND_ZERO <= TRIM);
    ktap_value("first_fit_alloc_visited",
               alloc_cost.visited / ALLOCATIONS, "pieces");
    ktap_value("first_fit_free_visited",
               free_cost.visited / ALLOCATIONS, "pieces");
    run(&slabs);
}

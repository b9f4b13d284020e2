// heap.c: large blocks have pages of their own, small ones share them.
// A frame with small blocks, all of one size, is a slab:
//
//      +--------+-----+---------+---------+-- ... --+---------+---+
//      | header | map | block 0 | block 1 |         | block n |   |
//      +--------+-----+---------+---------+-- ... --+---------+---+
//      multiple of PAGE_SIZE                                   4096
//
// The map has a byte for each 16 bytes of the frame. If a free block
// begins there, it says where the next one does; that makes a list. So
// a free block holds nothing of the allocator's: whoever writes to one,
// or a little behind the end of another, damages no list. (Behind the
// last one lies another frame.)
//
// J. Bonwick, "The Slab Allocator: An Object-Caching Kernel Memory
// Allocator", USENIX Summer 1994.

#include "heap.h"

#include <stdbool.h>

#include "frames.h"
#include "heap_debug.h"
#include "interrupts.h"
#include "large.h"
#include "memory.h"
#include "panic.h"
#include "printf.h"
#include "string.h"

enum { UNIT = 16, UNITS = PAGE_SIZE / UNIT, MAGIC = 0x51ab51ab };

// What is no unit where a block begins in the map: those of the header.
enum {
    LAST  = 0,  // a free block, the last one of the list
    TAKEN = 1,  // a block that is in use
    INNER = 2,  // no block begins here
};

struct slab {
    struct slab *next, *before;  // in one of the lists of its class
    struct size_class *class;
    uint32_t magic;
    uint16_t used;  // blocks
    uint8_t first;  // unit of a free block, or LAST
    uint8_t map[UNITS];
};

enum {
    HEADER = (sizeof(struct slab) + UNIT - 1) / UNIT * UNIT,
    ROOM   = PAGE_SIZE - HEADER,
    SMALL  = ROOM / 2 / UNIT * UNIT,  // the largest of them
};

struct size_class {
    struct slab *open;  // with a free block, but perhaps the first
    struct slab *full;  // without
    size_t size;        // of a block
};

// Each is the largest of which so many fit into a slab; the numbers in
// between are left out.
static struct size_class classes[] = {
    {.size = 16},  {.size = 32},   {.size = 48},    {.size = 64},
    {.size = 80},  {.size = 96},   {.size = 112},   {.size = 128},
    {.size = 160}, {.size = 192},  {.size = 224},   {.size = 272},
    {.size = 336}, {.size = 416},  {.size = 544},   {.size = 752},
    {.size = 944}, {.size = 1264}, {.size = SMALL},
};

enum { CLASSES = sizeof(classes) / sizeof(classes[0]) };

// By size in units, rounded up.
static const uint8_t class_of[SMALL / UNIT + 1] = {
    [0 ... 1] = 0,     [2] = 1,          [3] = 2,
    [4] = 3,           [5] = 4,          [6] = 5,
    [7] = 6,           [8] = 7,          [9 ... 10] = 8,
    [11 ... 12] = 9,   [13 ... 14] = 10, [15 ... 17] = 11,
    [18 ... 21] = 12,  [22 ... 26] = 13, [27 ... 34] = 14,
    [35 ... 47] = 15,  [48 ... 59] = 16, [60 ... 79] = 17,
    [80 ... 119] = 18,
};

static void push(struct slab **list, struct slab *slab)
{
    slab->before = NULL;
    slab->next   = *list;
    if (*list)
        (*list)->before = slab;
    *list = slab;
}

static void unlink(struct slab *slab)
{
    struct size_class *class = slab->class;

    if (slab->before)
        slab->before->next = slab->next;
    else
        *(class->open == slab ? &class->open : &class->full) =
            slab->next;
    if (slab->next)
        slab->next->before = slab->before;
}

static bool is_alone(const struct slab *slab)
{
    return !slab->next && !slab->before;
}

static void *unit_at(const struct slab *slab, unsigned unit)
{
    return (char *)slab + unit * UNIT;
}

// Calls a function for each block of a slab.
static void for_each(struct slab *slab,
                     void (*visit)(struct slab *slab, unsigned unit))
{
    size_t size = slab->class->size;

    for (size_t at = HEADER; at + size <= PAGE_SIZE; at += size)
        visit(slab, at / UNIT);
}

static void make_free(struct slab *slab, unsigned unit)
{
    slab->map[unit] = slab->first;
    slab->first     = unit;
    if (HEAP_DEBUG)
        heap_debug_new(unit_at(slab, unit), slab->class->size);
}

static bool add_slab(struct size_class *class)
{
    phys_addr frame   = frame_alloc();
    struct slab *slab = direct_map(frame);

    if (frame == NO_FRAME)
        return false;
    *slab = (struct slab){.class = class, .magic = MAGIC};
    memset(slab->map, INNER, sizeof(slab->map));
    for_each(slab, make_free);
    push(&class->open, slab);
    return true;
}

static void drop_slab(struct slab *slab)
{
    unlink(slab);
    slab->magic = 0;
    frame_free(direct_map_address(slab));
}

// The last block of a slab is taken without a look at the lists. So the
// first open slab may be full, but no other.
static void put_full_away(struct size_class *class)
{
    struct slab *slab = class->open;

    if (slab && slab->first == LAST) {
        unlink(slab);
        push(&class->full, slab);
    }
}

// Sees to it that the first open slab has a free block. False: no frame
// is left.
static bool provide(struct size_class *class)
{
    uint64_t flags = interrupts_disable();
    bool provided;

    put_full_away(class);
    provided = class->open || add_slab(class);
    interrupts_restore(flags);
    return provided;
}

static struct size_class *class_for(size_t size)
{
    return &classes[class_of[(size + UNIT - 1) / UNIT]];
}

static void *take(struct slab *slab)
{
    unsigned unit = slab->first;

    slab->first     = slab->map[unit];
    slab->map[unit] = TAKEN;
    slab->used++;
    return unit_at(slab, unit);
}

// Null: it is not as easy as that.
static inline void *take_small(size_t size)
{
    struct size_class *class = class_for(size);
    uint64_t flags           = interrupts_disable();
    struct slab *slab        = class->open;
    void *block = slab && slab->first != LAST ? take(slab) : NULL;

    interrupts_restore(flags);
    return block;
}

// Somebody else may take what was provided: an interrupt.
static void *provide_and_take(size_t size)
{
    void *block = NULL;

    while (!block && provide(class_for(size)))
        block = take_small(size);
    return block;
}

static void *take_or_not(size_t size)
{
    return size <= SMALL ? provide_and_take(size) : large_alloc(size);
}

// Not inlined: in the usual case take_small is all there is to do, and
// no register has to be saved for the rest.
__attribute__((noinline)) static void *take_any(size_t size)
{
    void *block = take_or_not(size);

    return block || heap_trim() == 0 ? block : take_or_not(size);
}

// Tells what is wrong with an address that should be that of a block.
__attribute__((noinline)) static _Noreturn void
wrong_block(const void *block, const struct slab *slab)
{
    unsigned unit = (virt_addr)block % PAGE_SIZE / UNIT;

    if (slab->magic != MAGIC || unit < HEADER / UNIT)
        panic("%p is no block of the heap", (void *)block);
    if ((virt_addr)block % UNIT == 0 && slab->map[unit] != INNER)
        panic("the block of %zu bytes at %p is free already",
              slab->class->size, (void *)block);
    while (slab->map[unit] == INNER)
        unit--;
    panic("%p is no block of the heap, but in one of %zu bytes at %p",
          (void *)block, slab->class->size, unit_at(slab, unit));
}

static inline struct slab *slab_of(const void *block)
{
    return (struct slab *)align_down((virt_addr)block, PAGE_SIZE);
}

// Returns the unit of a block that is in use. Panics if there is none.
static inline unsigned unit_of(const void *block,
                               const struct slab *slab)
{
    unsigned unit = (virt_addr)block % PAGE_SIZE / UNIT;

    if (slab->magic != MAGIC || (virt_addr)block % UNIT != 0 ||
        slab->map[unit] != TAKEN)
        wrong_block(block, slab);
    return unit;
}

// What has a free block goes to the open slabs, to the front. What has
// nothing else is given back, but not the last that is open: the next
// block should not need a frame. Not inlined, and with interrupts
// restored here, for the same reason as above.
__attribute__((noinline)) static void settle(struct slab *slab,
                                             uint64_t flags)
{
    put_full_away(slab->class);
    unlink(slab);
    push(&slab->class->open, slab);
    if (slab->used == 0 && !is_alone(slab))
        drop_slab(slab);
    interrupts_restore(flags);
}

static inline void give_back_small(void *block)
{
    struct slab *slab = slab_of(block);
    uint64_t flags    = interrupts_disable();
    unsigned unit     = unit_of(block, slab);
    unsigned before   = slab->first;

    slab->map[unit] = before;
    slab->first     = unit;
    slab->used--;
    if (before == LAST || (slab->used == 0 && !is_alone(slab)))
        settle(slab, flags);
    else
        interrupts_restore(flags);
}

// Only large blocks are outside of the direct map. What is no block at
// all is found out by them.
static inline bool is_small(const void *block)
{
    return (virt_addr)block - DIRECT_MAP < DIRECT_MAP_SIZE;
}

static inline void give_back(void *block)
{
    if (is_small(block))
        give_back_small(block);
    else if (block)
        large_free(block);
}

static size_t block_size(const void *block)
{
    const struct slab *slab = slab_of(block);

    if (!is_small(block))
        return large_block_size(block);
    unit_of(block, slab);
    return slab->class->size;
}

// No interrupt may find a block in use that is not marked so.
static void *take_marked(size_t asked, const void *caller)
{
    uint64_t flags = interrupts_disable();
    size_t size    = asked + HEAP_DEBUG_MARGIN;
    void *block    = size > asked ? take_any(size) : NULL;

    if (block && !is_small(block))
        heap_debug_new(block, block_size(block));
    if (block)
        heap_debug_allocated(block, block_size(block), asked, caller);
    interrupts_restore(flags);
    return block;
}

static void give_back_marked(void *block, const void *caller)
{
    uint64_t flags = interrupts_disable();

    heap_debug_freed(block, block_size(block), caller);
    give_back(block);
    interrupts_restore(flags);
}

static inline void *allocate(size_t size, const void *caller)
{
    void *block = NULL;

    if (HEAP_DEBUG)
        return take_marked(size, caller);
    if (size <= SMALL)
        block = take_small(size);
    return block ? block : take_any(size);
}

static inline void release(void *block, const void *caller)
{
    if (HEAP_DEBUG && block)
        give_back_marked(block, caller);
    else
        give_back(block);
}

void *kmalloc(size_t size)
{
    return allocate(size, __builtin_return_address(0));
}

void kfree(void *block)
{
    release(block, __builtin_return_address(0));
}

// For those who do more than that. There is one copy of it for all.
__attribute__((noinline)) static void *allocate_for(const void *caller,
                                                    size_t size)
{
    return allocate(size, caller);
}

void *kcalloc(size_t count, size_t size)
{
    size_t bytes;
    void *block;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    block = allocate_for(__builtin_return_address(0), bytes);
    return block ? memset(block, 0, bytes) : NULL;
}

// A block stays what it is if it is large enough, and not more than
// twice as large as need be. A debugging kernel always makes another:
// who goes on using the old one is to be found out.
static bool fits(size_t had, size_t size)
{
    return !HEAP_DEBUG && size <= had && size >= had / 2;
}

void *krealloc(void *block, size_t size)
{
    const void *caller = __builtin_return_address(0);
    size_t had         = block ? block_size(block) : 0;
    void *other;

    if (block && fits(had, size))
        return block;
    other = allocate_for(caller, size);
    if (!other || !block)
        return other;
    memcpy(other, block, size < had ? size : had);
    release(block, caller);
    return other;
}

static size_t trim(const struct size_class *class)
{
    uint64_t flags = interrupts_disable();
    size_t count   = 0;

    for (struct slab *slab = class->open, *next; slab; slab = next) {
        next = slab->next;
        if (slab->used == 0) {
            drop_slab(slab);
            count++;
        }
    }
    interrupts_restore(flags);
    return count;
}

size_t heap_trim(void)
{
    size_t count = 0;

    for (int i = 0; i < CLASSES; i++)
        count += trim(&classes[i]);
    return count;
}

static void check_block(struct slab *slab, unsigned unit)
{
    heap_debug_check(unit_at(slab, unit), slab->class->size,
                     slab->map[unit] != TAKEN);
}

static void check(const struct size_class *class)
{
    uint64_t flags = interrupts_disable();

    for (struct slab *slab = class->open; slab; slab = slab->next)
        for_each(slab, check_block);
    for (struct slab *slab = class->full; slab; slab = slab->next)
        for_each(slab, check_block);
    interrupts_restore(flags);
}

void heap_check(void)
{
    for (int i = 0; HEAP_DEBUG && i < CLASSES; i++)
        check(&classes[i]);
}

// Counts the slabs of a list, and their blocks in use.
static size_t count(const struct slab *slab, size_t *used)
{
    size_t slabs = 0;

    for (; slab; slab = slab->next, slabs++)
        *used += slab->used;
    return slabs;
}

static void print(const struct size_class *class)
{
    uint64_t flags = interrupts_disable();
    size_t used    = 0;
    size_t slabs =
        count(class->open, &used) + count(class->full, &used);

    interrupts_restore(flags);
    if (slabs > 0)
        printf("%9zu  %7zu  %7zu  %7zu\n", class->size, used,
               slabs * (ROOM / class->size) - used, slabs);
}

void heap_print(void)
{
    printf("blocks of   in use     free   frames\n");
    for (int i = 0; i < CLASSES; i++)
        print(&classes[i]);
    large_print();
}

// heap.c: what -fsanitize=kernel-address calls before each access to
// memory. Here is known which bytes of the heap belong to a block that
// is in use: of 16 bytes, a unit, so many from the first one on. Blocks
// begin where units do.
//
// All functions of the heap are called through the ones here (ld
// --wrap), and what they do themselves is not looked at.

#include "found.h"

#include <stdbool.h>
#include <stddef.h>

#include "direct_map.h"
#include "frames.h"
#include "interrupts.h"
#include "memory.h"

enum { UNIT = 16, BLOCKS = 1 << 16, NEAR = 64 };

// What a unit may be; from IN_USE on, so many bytes more are in use.
enum { FOREIGN = 0, NOT_IN_USE = 1, IN_USE = 2 };

#define REACH (128ul << 20)  // bytes of memory that are looked at

// By address, at one of a few places that was not taken by another one.
// Those that were freed are remembered until their place is needed.
struct block {
    const char *start;
    size_t size;
    const void *allocated, *freed;  // by whom; null: it is in use
};

struct books {
    uint8_t units[REACH / UNIT];
    struct block blocks[BLOCKS];
};

static phys_addr reserved;
static struct books *books;  // null: there is no heap yet
static unsigned inside;      // the heap

_Static_assert(sizeof(struct books) % LARGE_PAGE_SIZE == 0,
               "they share no large page with anything");

static uint8_t *unit_of(const char *at)
{
    return &books->units[direct_map_address(at) / UNIT];
}

static bool is_in_reach(const char *at)
{
    return direct_map_address(at) < REACH;
}

static bool is_large(const char *at)
{
    return (virt_addr)at - LARGE_BLOCKS < LARGE_BLOCKS_SIZE;
}

// The block that was at an address last, or a place for one.
static struct block *block_at(const char *start)
{
    size_t first        = (virt_addr)start * 0x9e3779b97f4a7c15 >> 48;
    struct block *freed = NULL;

    for (size_t i = first; i < first + NEAR; i++) {
        struct block *block = &books->blocks[i % BLOCKS];

        if (!block->start || block->start == start)
            return block;
        if (block->freed)
            freed = block;
    }
    if (freed)
        return freed;
    found();
    say("more blocks than can be remembered");
    found_end();
}

// The unit's bytes, from one on, that are in use.
static void mark(const char *start, size_t size)
{
    for (size_t at = 0; at < size; at += UNIT)
        *unit_of(start + at) =
            IN_USE + (size - at < UNIT ? size - at : UNIT);
}

static void mark_all(const char *start, size_t size, uint8_t what)
{
    for (size_t at = 0; at < size; at += UNIT)
        *unit_of(start + at) = what;
}

static void add(const char *start, size_t size, const void *caller)
{
    *block_at(start) = (struct block){start, size, caller, NULL};
    if (!is_in_reach(start))
        return;
    if (*unit_of(start) == FOREIGN)
        mark_all((char *)align_down((virt_addr)start, PAGE_SIZE),
                 PAGE_SIZE, NOT_IN_USE);
    mark(start, size);
}

static void remove(const char *start, const void *caller)
{
    struct block *block = block_at(start);

    block->freed = caller;
    if (is_in_reach(start))
        mark_all(start, block->size, NOT_IN_USE);
}

// Where the slot begins that large.c has cut for a block.
static const char *slot_of(const char *at)
{
    uint64_t offset = (virt_addr)at - LARGE_BLOCKS;

    return at - (offset & ((PAGE_SIZE << (offset >> 40)) - 1));
}

// Most often it is in the block in which the last one was.
static bool is_large_in_use(const char *at)
{
    static const struct block *last;
    const struct block *block = last;

    if (!block || (size_t)(at - block->start) >= block->size)
        last = block = block_at(slot_of(at));
    return !block->freed && at < block->start + block->size;
}

static bool is_in_use(const char *at)
{
    if (is_large(at))
        return is_large_in_use(at);
    if (!is_in_reach(at) || *unit_of(at) == FOREIGN)
        return true;
    return (virt_addr)at % UNIT + IN_USE < *unit_of(at);
}

// The block nearest before an address.
static const struct block *block_before(const char *at)
{
    const struct block *best = NULL;

    for (size_t i = 0; i < BLOCKS; i++) {
        const struct block *block = &books->blocks[i];

        if (block->start && block->start <= at &&
            (!best || block->start > best->start))
            best = block;
    }
    return best;
}

static void say_block(const struct block *block, const char *at)
{
    say(", byte ");
    say_number(at - block->start);
    say(block->freed ? " of a free block of " : " of a block of ");
    say_number(block->size);
    say(" bytes, allocated by ");
    say_code(block->allocated);
    if (block->freed) {
        say(", freed by ");
        say_code(block->freed);
    }
}

static _Noreturn void tell(const char *at, const char *what,
                           const void *caller)
{
    const struct block *block = block_before(at);

    found();
    say(what);
    say(" in ");
    say_code(caller);
    if (block)
        say_block(block, at);
    found_end();
}

static void check(const char *start, size_t size, const char *what,
                  const void *caller)
{
    if (!books || inside > 0 || size == 0)
        return;
    if (!is_in_reach(start) && !is_large(start))
        return;
    for (size_t at = 0; at < size; at += UNIT)
        if (!is_in_use(start + at))
            tell(start + at, what, caller);
    if (!is_in_use(start + size - 1))
        tell(start + size - 1, what, caller);
}

#define ACCESS(size) \
    void __asan_load##size##_noabort(const char *); \
    void __asan_load##size##_noabort(const char *at) \
    { \
        check(at, size, "load", __builtin_return_address(0)); \
    } \
    void __asan_store##size##_noabort(const char *); \
    void __asan_store##size##_noabort(const char *at) \
    { \
        check(at, size, "store", __builtin_return_address(0)); \
    }

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

// The compiler declares none of those that it calls, nor does anybody
// those that the linker renames.
#define DEFINE(type, name, ...) \
    type name(__VA_ARGS__); \
    type name(__VA_ARGS__)

#define WRAP(type, name, ...) \
    type __real_##name(__VA_ARGS__); \
    DEFINE(type, __wrap_##name, __VA_ARGS__)

DEFINE(void, __asan_loadN_noabort, const char *at, size_t size)
{
    check(at, size, "load", __builtin_return_address(0));
}

DEFINE(void, __asan_storeN_noabort, const char *at, size_t size)
{
    check(at, size, "store", __builtin_return_address(0));
}

// A stack's frames are given up at once.
DEFINE(void, __asan_handle_no_return, void)
{
}

// string.c copies and fills with single instructions.
WRAP(void *, memcpy, char *to, const char *from, size_t size)
{
    check(from, size, "load", __builtin_return_address(0));
    check(to, size, "store", __builtin_return_address(0));
    return __real_memcpy(to, from, size);
}

WRAP(void *, memmove, char *to, const char *from, size_t size)
{
    check(from, size, "load", __builtin_return_address(0));
    check(to, size, "store", __builtin_return_address(0));
    return __real_memmove(to, from, size);
}

WRAP(void *, memset, char *to, int byte, size_t size)
{
    check(to, size, "store", __builtin_return_address(0));
    return __real_memset(to, byte, size);
}

// The books are in memory of their own, in the middle of a large range.
static void reserve(struct range_set *set)
{
    for (size_t i = 0; i < set->count && reserved == 0; i++) {
        uint64_t start = set->ranges[i].start, end = set->ranges[i].end;

        if (end - start > 4 * sizeof(*books))
            reserved = align_down((start + end) / 2, LARGE_PAGE_SIZE);
    }
    if (reserved != 0)
        range_remove(set, reserved, reserved + sizeof(*books));
}

// A test may start the frames again, with a set of its own.
WRAP(void, frames_init, struct range_set *set)
{
    bool first = reserved == 0;

    if (first)
        reserve(set);
    __real_frames_init(set);
    if (!first || reserved == 0)
        return;
    direct_map_add(reserved, reserved + sizeof(*books));
    __real_memset(direct_map(reserved), 0, sizeof(*books));
    books = direct_map(reserved);
}

WRAP(phys_addr, frame_alloc, void)
{
    phys_addr frame = __real_frame_alloc();

    if (books && frame != NO_FRAME && frame < REACH)
        mark_all(direct_map(frame), PAGE_SIZE, FOREIGN);
    return frame;
}

static uint64_t enter_heap(void)
{
    uint64_t flags = interrupts_disable();

    inside++;
    return flags;
}

static void leave_heap(uint64_t flags)
{
    inside--;
    interrupts_restore(flags);
}

WRAP(void *, kmalloc, size_t size)
{
    uint64_t flags = enter_heap();
    void *block    = __real_kmalloc(size);

    if (block)
        add(block, size, __builtin_return_address(0));
    leave_heap(flags);
    return block;
}

WRAP(void *, kcalloc, size_t count, size_t size)
{
    uint64_t flags = enter_heap();
    void *block    = __real_kcalloc(count, size);

    if (block)
        add(block, count * size, __builtin_return_address(0));
    leave_heap(flags);
    return block;
}

WRAP(void *, krealloc, void *old, size_t size)
{
    uint64_t flags = enter_heap();
    void *block    = __real_krealloc(old, size);

    if (block && old)
        remove(old, __builtin_return_address(0));
    if (block)
        add(block, size, __builtin_return_address(0));
    leave_heap(flags);
    return block;
}

WRAP(void, kfree, void *block)
{
    uint64_t flags = enter_heap();

    __real_kfree(block);
    if (block)
        remove(block, __builtin_return_address(0));
    leave_heap(flags);
}

// heap_debug.c: bytes that nobody should write to hold a pattern.

#include "heap_debug.h"

#include "panic.h"
#include "string.h"
#include "symbols.h"

enum { POISON = 0xdf, RED_ZONE = 0xfd };

// At the end of a block: who had it last, null if nobody.
struct note {
    uint64_t asked;  // bytes
    const void *caller;
};

_Static_assert(!HEAP_DEBUG || sizeof(struct note) < HEAP_DEBUG_MARGIN,
               "the red zone is not empty");

static struct note *note_of(const void *block, size_t size)
{
    return (struct note *)((char *)block + size) - 1;
}

static void print_caller(const struct note *note)
{
    uint64_t address = (uint64_t)note->caller;

    symbol_print(symbol_find(address - 1), address);
}

static _Noreturn void tell(const uint8_t *block, const uint8_t *at,
                           const struct note *note, bool is_free)
{
    printf("\n%s of %lu bytes at %p, %s by ",
           is_free ? "free block" : "block", note->asked, (void *)block,
           is_free ? "freed" : "allocated");
    print_caller(note);
    panic("somebody wrote to byte %zu of it: %02x", at - block, *at);
}

// Looks from a place on up to the note.
static void check(const uint8_t *block, size_t from, size_t size,
                  uint8_t pattern)
{
    const struct note *note = note_of(block, size);

    for (const uint8_t *at = block + from; at < (uint8_t *)note; at++)
        if (*at != pattern)
            tell(block, at, note, pattern == POISON);
}

void heap_debug_check(void *block, size_t size, bool is_free)
{
    const struct note *note = note_of(block, size);

    if (note->asked > size - HEAP_DEBUG_MARGIN)
        panic("the end of the block %p is overwritten: it cannot have "
              "%lu bytes",
              block, note->asked);
    if (is_free)
        check(block, 0, size, POISON);
    else
        check(block, note->asked, size, RED_ZONE);
}

void heap_debug_new(void *block, size_t size)
{
    memset(block, POISON, size);
    *note_of(block, size) = (struct note){0, NULL};
}

void heap_debug_allocated(void *block, size_t size, size_t asked,
                          const void *caller)
{
    struct note *note = note_of(block, size);

    heap_debug_check(block, size, true);
    memset((char *)block + asked, RED_ZONE, size - asked);
    *note = (struct note){asked, caller};
}

void heap_debug_freed(void *block, size_t size, const void *caller)
{
    struct note *note = note_of(block, size);

    heap_debug_check(block, size, false);
    note->caller = caller;
    memset(block, POISON, (char *)note - (char *)block);
}

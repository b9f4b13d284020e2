// paging.c: the four levels of page tables, as the CPU walks them. A
// table is a page of 512 entries, each with the physical address of the
// next table or, at the end, of the page. Nine bits of the address
// choose the entry at each level:
//
//      63     48 47    39 38    30 29    21 20    12 11         0
//      | copies | level 4| level 3| level 2| level 1| offset     |
//      | of 47  |        |        | or 2 MiB offset              |
//
// Intel SDM volume 3A, "4-Level Paging and 5-Level Paging".

#include "paging.h"

#include "cpu.h"
#include "frames.h"
#include "panic.h"

// The lowest of the bits that choose an entry, by level. An entry maps
// 1 << shift bytes.
enum { ROOT = 39, LARGE_PAGE = 21, PAGE = 12, BITS = 9, ENTRIES = 512 };

#define TABLE (PAGE_PRESENT | PAGE_WRITABLE)  // pages may have less

struct address_space kernel_space;

// An entry, and its level.
struct step {
    uint64_t *entry;
    int shift;
};

static uint64_t *entry_in(phys_addr table, virt_addr address, int shift)
{
    uint64_t *entries = direct_map(table);

    return &entries[address >> shift & (ENTRIES - 1)];
}

// There are large pages of 1 GiB too; this kernel has none.
static bool is_table(uint64_t entry, int shift)
{
    return entry & PAGE_PRESENT &&
           !(shift == LARGE_PAGE && entry & PAGE_LARGE);
}

// Returns where the walk for an address ends: at the entry of a page,
// or at one that is not present. Unrolled, it takes half the
// instructions.
static inline struct step walk(const struct address_space *space,
                               virt_addr address)
{
    phys_addr table = space->root;

#pragma GCC unroll 3
    for (int shift = ROOT; shift > PAGE; shift -= BITS) {
        uint64_t *entry = entry_in(table, address, shift);

        if (!is_table(*entry, shift))
            return (struct step){entry, shift};
        table = *entry & PAGE_ADDRESS;
    }
    return (struct step){entry_in(table, address, PAGE), PAGE};
}

// Goes on from an entry that is not present, through new tables, to one
// of a lower level. Null: no frame is left. The tables made so far are
// of use next time.
static uint64_t *add_tables(struct step at, virt_addr address,
                            int shift)
{
    while (at.shift > shift) {
        phys_addr table = frame_alloc();

        if (table == NO_FRAME)
            return NULL;
        page_clear(direct_map(table));
        *at.entry = table | TABLE;
        at.shift -= BITS;
        at.entry = entry_in(table, address, at.shift);
    }
    return at.entry;
}

// Bits 63 to 47 are all the same.
static bool is_canonical(virt_addr address)
{
    return (address + (1ul << 47)) >> 48 == 0;
}

// Not inlined: in the usual case there is no table to add, and no
// register to save for it.
__attribute__((noinline)) static bool
map_below(struct step at, virt_addr page, phys_addr frame,
          uint64_t flags, int shift)
{
    uint64_t *entry = add_tables(at, page, shift);

    if (!entry)
        return false;
    *entry = frame | flags | PAGE_PRESENT;
    return true;
}

// Inlined, so that for each size of pages shift is a constant.
__attribute__((always_inline)) static inline bool
map(struct address_space *space, virt_addr page, phys_addr frame,
    uint64_t flags, int shift)
{
    struct step at;

    if ((page | frame) & ((1ul << shift) - 1) || !is_canonical(page))
        panic("page_map: no page %016lx or no frame %016lx", page,
              frame);
    at = walk(space, page);
    if (at.shift < shift)
        panic("page_map: %016lx has tables of small pages", page);
    if (*at.entry & PAGE_PRESENT)
        panic("page_map: %016lx is mapped already", page);
    if (at.shift > shift)
        return map_below(at, page, frame, flags, shift);
    *at.entry = frame | flags | PAGE_PRESENT;
    return true;
}

bool page_map(struct address_space *space, virt_addr page,
              phys_addr frame, uint64_t flags)
{
    return map(space, page, frame, flags, PAGE);
}

bool page_map_large(struct address_space *space, virt_addr page,
                    phys_addr frame, uint64_t flags)
{
    return map(space, page, frame, flags | PAGE_LARGE, LARGE_PAGE);
}

bool page_map_new(struct address_space *space, virt_addr page,
                  uint64_t flags)
{
    phys_addr frame = frame_alloc();

    if (frame == NO_FRAME)
        return false;
    if (map(space, page, frame, flags, PAGE))
        return true;
    frame_free(frame);
    return false;
}

// Returns the entry of a page, or null.
static uint64_t *entry_of(struct address_space *space, virt_addr page)
{
    struct step at = walk(space, page);

    if (!(*at.entry & PAGE_PRESENT))
        return NULL;
    if (page & ((1ul << at.shift) - 1) || !is_canonical(page))
        panic("%016lx is not the address of a page", page);
    return at.entry;
}

// The CPU may remember what an entry said when it allowed more. Whoever
// makes it say less has to make the CPU forget.
phys_addr page_unmap(struct address_space *space, virt_addr page)
{
    uint64_t *entry = entry_of(space, page);
    phys_addr frame;

    if (!entry)
        return NO_FRAME;
    frame  = *entry & PAGE_ADDRESS;
    *entry = 0;
    invlpg((const void *)page);
    return frame;
}

bool page_protect(struct address_space *space, virt_addr page,
                  uint64_t flags)
{
    const uint64_t kept = PAGE_ADDRESS | PAGE_PRESENT | PAGE_LARGE;
    uint64_t *entry     = entry_of(space, page);

    if (!entry)
        return false;
    *entry = (*entry & kept) | flags;
    invlpg((const void *)page);
    return true;
}

bool page_translate(const struct address_space *space,
                    virt_addr address, phys_addr *physical)
{
    struct step at = walk(space, address);

    if (!(*at.entry & PAGE_PRESENT) || !is_canonical(address))
        return false;
    *physical = (*at.entry & PAGE_ADDRESS) +
                (address & ((1ul << at.shift) - 1));
    return true;
}

void page_clear(void *page)
{
    rep_stosq(page, 0, PAGE_SIZE / sizeof(uint64_t));
}

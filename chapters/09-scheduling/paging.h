// paging.h: address spaces, page by page.

#pragma once

#include "memory.h"

// Bits of an entry, of a table of any level. Intel SDM volume 3A,
// "4-Level Paging and 5-Level Paging".
#define PAGE_PRESENT    (1ul << 0)
#define PAGE_WRITABLE   (1ul << 1)
#define PAGE_LARGE      (1ul << 7)  // not a table: a page of 2 MiB
#define PAGE_NO_EXECUTE (1ul << 63)
#define PAGE_ADDRESS    0x000ffffffffff000ul

struct address_space {
    phys_addr root;  // the PML4
};

extern struct address_space kernel_space;

// Maps a page to a frame, with PAGE_WRITABLE and PAGE_NO_EXECUTE as its
// flags, or none of them; the second one maps a large page. False:
// there was no frame for a table. Panics if something is mapped there
// already, or was in smaller pages, and if an address is not that of a
// page or not canonical.
bool page_map(struct address_space *space, virt_addr page,
              phys_addr frame, uint64_t flags);
bool page_map_large(struct address_space *space, virt_addr page,
                    phys_addr frame, uint64_t flags);

// Maps a page to a frame of its own, which holds anything. False: there
// is none, or none for a table.
bool page_map_new(struct address_space *space, virt_addr page,
                  uint64_t flags);

// Unmaps a page of either size. Returns the frame, which stays
// whoever's it was; NO_FRAME if there is no page. Panics if the address
// is in the middle of one. Tables stay, even if they are empty.
phys_addr page_unmap(struct address_space *space, virt_addr page);

// Gives a page of either size new flags. False if there is no page.
bool page_protect(struct address_space *space, virt_addr page,
                  uint64_t flags);

// Finds the physical address of a virtual one. False if there is none.
bool page_translate(const struct address_space *space,
                    virt_addr address, phys_addr *physical);

// Fills a page, or a table, with zeros.
void page_clear(void *page);

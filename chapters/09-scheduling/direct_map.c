// direct_map.c: physical memory in the kernel's address space. Whoever
// has a physical address, of a frame or from an entry of a page table,
// adds DIRECT_MAP to it and can use it.
//
// Memory is mapped in large pages, and not before it is used. The first
// 2 MiB are different: the kernel is there, and what is read-only at
// one address must not be writable at another. They have small pages.

#include "direct_map.h"

#include "cpu.h"

#define TABLE    (PAGE_PRESENT | PAGE_WRITABLE)
#define MEMORY   (PAGE_PRESENT | PAGE_WRITABLE | PAGE_NO_EXECUTE)
#define GIGABYTE (1ul << 30)
#define SLOT     (1ul << 39)  // what an entry of the PML4 maps

_Static_assert(DIRECT_MAP_SIZE == SLOT && DIRECT_MAP % SLOT == 0,
               "an entry of the PML4 is all of it");

extern const char kernel_end[];  // kernel.ld

// One after the other: the page-directory-pointer table, the page table
// of the first 2 MiB, and a page directory for each GiB. A directory is
// not cleared before it is used.
static phys_addr pointer_table;

static phys_addr first_page_table(void)
{
    return pointer_table + PAGE_SIZE;
}

static phys_addr directory(uint64_t gigabyte)
{
    return pointer_table + (2 + gigabyte) * PAGE_SIZE;
}

size_t direct_map_table_size(phys_addr end)
{
    phys_addr mapped = end > BOOT_MAP_SIZE ? end : BOOT_MAP_SIZE;

    return (2 + align_up(mapped, GIGABYTE) / GIGABYTE) * PAGE_SIZE;
}

// The entry of the large page that an address is in.
static uint64_t *entry_of(phys_addr address)
{
    uint64_t gigabyte = address / GIGABYTE;
    uint64_t *pointer =
        (uint64_t *)direct_map(pointer_table) + gigabyte;
    uint64_t *pages = direct_map(directory(gigabyte));

    if (!(*pointer & PAGE_PRESENT)) {
        page_clear(pages);
        *pointer = directory(gigabyte) | TABLE;
    }
    return &pages[address % GIGABYTE / LARGE_PAGE_SIZE];
}

static bool is_image(phys_addr address)
{
    return address >= LOW_MEMORY && address < image_address(kernel_end);
}

static void map_first_large_page(void)
{
    uint64_t *pages = direct_map(first_page_table());

    page_clear(pages);
    for (phys_addr at = PAGE_SIZE; at < LARGE_PAGE_SIZE;
         at += PAGE_SIZE)
        pages[at / PAGE_SIZE] =
            at | (is_image(at) ? MEMORY & ~PAGE_WRITABLE : MEMORY);
    *entry_of(0) = first_page_table() | TABLE;
}

void direct_map_add(phys_addr start, phys_addr end)
{
    phys_addr at = align_down(start, LARGE_PAGE_SIZE);

    for (; at < end; at += LARGE_PAGE_SIZE)
        if (at != 0)
            *entry_of(at) = at | MEMORY | PAGE_LARGE;
}

void direct_map_enter(struct address_space *space)
{
    uint64_t *root = direct_map(space->root);

    root[DIRECT_MAP / SLOT % 512] = pointer_table | TABLE;
}

void direct_map_init(phys_addr tables, size_t size)
{
    struct address_space current = {read_cr3()};

    pointer_table = tables;
    page_clear(direct_map(pointer_table));
    map_first_large_page();
    direct_map_add(tables, tables + size);
    direct_map_enter(&current);
    write_cr3(current.root);
}

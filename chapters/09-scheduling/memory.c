// memory.c: from the loader's memory map to an address space of our
// own.

#include "memory.h"

#include "cpu.h"
#include "direct_map.h"
#include "frames.h"
#include "memory_map.h"
#include "paging.h"
#include "panic.h"
#include "printf.h"
#include "regions.h"

static struct range_set usable;

static void map_image(const struct region *region)
{
    for (virt_addr page = region->start; page < region->end;
         page += PAGE_SIZE)
        if (!page_map(&kernel_space, page,
                      image_address((const void *)page), region->flags))
            panic("too little memory: no frame for a page table");
}

// Tables for everything but the direct map, which has its own.
static void make_kernel_space(void)
{
    phys_addr root = frame_alloc();

    if (root == NO_FRAME)
        panic("too little memory: no frame for a page table");
    page_clear(direct_map(root));
    kernel_space.root = root;
    direct_map_enter(&kernel_space);
    for (size_t i = 0; i < regions_count; i++)
        if (regions[i].kind == REGION_IMAGE)
            map_image(&regions[i]);
}

void memory_init(const struct boot_info *info)
{
    phys_addr here = direct_map_address(info), end = here + info->size;

    memory_map_read(info, &usable);
    if (usable.lost > 0)
        printf("no room in the memory map for %lu KiB\n",
               usable.lost / 1024);
    frames_init(&usable);
    direct_map_add(here, end);
    make_kernel_space();
    write_cr3(kernel_space.root);
}

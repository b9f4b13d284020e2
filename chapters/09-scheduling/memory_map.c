// memory_map.c: what the firmware says about memory, through the
// loader. Nothing promises that the areas are in order, that they do
// not overlap, or that they begin and end at a page. Whatever is said
// of a page, the worst of it is true. Multiboot2 Specification, "Memory
// map" and "Modules".

#include "memory_map.h"

#include <stddef.h>

#include "memory.h"
#include "panic.h"

struct memory_map {
    struct boot_tag tag;
    uint32_t area_size;  // may be more than that of memory_area
    uint32_t version;
};

struct memory_area {
    uint64_t base, length;  // in bytes
    uint32_t type;
    uint32_t reserved;
};

struct module {
    struct boot_tag tag;
    uint32_t start, end;
};

_Static_assert(sizeof(struct memory_map) == 16, "as the loader writes");
_Static_assert(sizeof(struct memory_area) == 24,
               "as the loader writes");
_Static_assert(offsetof(struct module, start) == 8, "behind the tag");

enum { AREA_AVAILABLE = 1 };

extern const char kernel_end[];  // kernel.ld

// Memory behind this is left alone.
static uint64_t clamp(uint64_t address)
{
    return address < DIRECT_MAP_SIZE ? address : DIRECT_MAP_SIZE;
}

// A sum that wraps around is taken for the last address.
static uint64_t area_end(const struct memory_area *area)
{
    uint64_t end = area->base + area->length;

    return clamp(end < area->base ? UINT64_MAX : end);
}

// Only the pages that are in it as a whole.
static void add(struct range_set *usable,
                const struct memory_area *area)
{
    range_add(usable, align_up(clamp(area->base), PAGE_SIZE),
              align_down(area_end(area), PAGE_SIZE));
}

// Every page that has a byte of it.
static void reserve(struct range_set *usable, uint64_t start,
                    uint64_t end)
{
    range_remove(usable, align_down(clamp(start), PAGE_SIZE),
                 align_up(clamp(end), PAGE_SIZE));
}

// Available areas first: those that are not take precedence.
static void read_areas(const struct memory_map *map,
                       struct range_set *usable, bool available)
{
    uint64_t at  = (uint64_t)(map + 1);
    uint64_t end = (uint64_t)map + map->tag.size;

    for (; end - at >= map->area_size; at += map->area_size) {
        const struct memory_area *area = (const struct memory_area *)at;

        if (available && area->type == AREA_AVAILABLE)
            add(usable, area);
        if (!available && area->type != AREA_AVAILABLE)
            reserve(usable, area->base, area_end(area));
    }
}

static const struct memory_map *find_map(const struct boot_info *info)
{
    const struct memory_map *map =
        (const struct memory_map *)boot_info_find(info,
                                                  BOOT_TAG_MEMORY_MAP);

    if (!map)
        panic("the loader does not say what memory there is");
    if (map->tag.size < sizeof(*map) ||
        map->area_size < sizeof(struct memory_area) ||
        map->area_size % sizeof(uint64_t) != 0)
        panic("boot information at %p: a memory map of %u bytes, "
              "with areas of %u",
              (void *)map, map->tag.size, map->area_size);
    return map;
}

static void reserve_modules(const struct boot_info *info,
                            struct range_set *usable)
{
    const struct boot_tag *tag = NULL;

    while ((tag = boot_info_next(info, tag, BOOT_TAG_MODULE))) {
        const struct module *module = (const struct module *)tag;

        if (tag->size < sizeof(*module) || module->end < module->start)
            panic("boot information at %p: a broken module",
                  (void *)tag);
        reserve(usable, module->start, module->end);
    }
}

void memory_map_read(const struct boot_info *info,
                     struct range_set *usable)
{
    const struct memory_map *map = find_map(info);
    phys_addr here               = direct_map_address(info);

    read_areas(map, usable, true);
    read_areas(map, usable, false);
    reserve(usable, 0, LOW_MEMORY);
    reserve(usable, LOW_MEMORY, image_address(kernel_end));
    reserve(usable, here, here + info->size);
    reserve_modules(info, usable);
}

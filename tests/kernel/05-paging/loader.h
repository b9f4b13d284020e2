// loader.h: boot information that no loader has written.

#pragma once

#include "ktap.h"

#include <stddef.h>

#include "boot_info.h"
#include "memory.h"
#include "string.h"

enum { LOADER_AVAILABLE = 1, LOADER_RESERVED = 2, LOADER_AREA = 24 };

// As the Multiboot2 Specification, "Memory map", has it.
struct loader_area {
    uint64_t base, length;
    uint32_t type, reserved;
};

static struct {
    _Alignas(8) uint8_t bytes[4096];
    uint32_t size;
} loader;

static void loader_put(uint32_t value)
{
    memcpy(loader.bytes + loader.size, &value, sizeof(value));
    loader.size += sizeof(value);
}

static void loader_start(void)
{
    memset(&loader, 0, sizeof(loader));
    loader.size = sizeof(struct boot_info);
}

// With bytes behind each area, should areas be longer.
static __attribute__((unused)) void
loader_put_map(const struct loader_area *areas, size_t count,
               uint32_t area_size)
{
    loader_put(BOOT_TAG_MEMORY_MAP);
    loader_put(16 + count * area_size);
    loader_put(area_size);
    loader_put(0);
    for (size_t i = 0; i < count; i++) {
        uint8_t *area = loader.bytes + loader.size;

        memset(area, LOADER_AVAILABLE, area_size);
        memcpy(area, &areas[i], LOADER_AREA);
        loader.size += area_size;
    }
}

static __attribute__((unused)) void loader_put_module(uint32_t start,
                                                      uint32_t end)
{
    loader_put(BOOT_TAG_MODULE);
    loader_put(17);  // with an empty string
    loader_put(start);
    loader_put(end);
    loader.size += 8;
}

// The kernel gets it at an address of the direct map.
static const struct boot_info *loader_end(void)
{
    loader_put(BOOT_TAG_END);
    loader_put(sizeof(struct boot_tag));
    memcpy(loader.bytes, &loader.size, sizeof(loader.size));
    return direct_map(image_address(loader.bytes));
}

// The same, at any address of the direct map.
static __attribute__((unused)) struct boot_info *
loader_end_at(phys_addr address)
{
    const struct boot_info *info = loader_end();

    memcpy(direct_map(address), info, loader.size);
    return direct_map(address);
}

// Says that there is memory in two places, and none elsewhere.
static __attribute__((unused)) void
loader_start_with(struct loader_area first, struct loader_area second)
{
    uint64_t end                     = first.base + first.length;
    const struct loader_area areas[] = {
        first,
        second,
        {0, first.base, LOADER_RESERVED, 0},
        {end, second.base - end, LOADER_RESERVED, 0},
        {second.base + second.length, DIRECT_MAP_SIZE, LOADER_RESERVED,
         0},
    };

    loader_start();
    loader_put_map(areas, 5, LOADER_AREA);
}

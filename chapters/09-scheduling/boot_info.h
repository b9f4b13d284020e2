// boot_info.h: what the loader tells the kernel about the machine.
// Multiboot2 Specification, "Boot information format".

#pragma once

#include <stdbool.h>
#include <stdint.h>

enum boot_tag_type {
    BOOT_TAG_END         = 0,
    BOOT_TAG_LOADER_NAME = 2,
    BOOT_TAG_MODULE      = 3,
    BOOT_TAG_MEMORY_MAP  = 6,
    BOOT_TAG_FRAMEBUFFER = 8,
};

// At a multiple of 8 bytes, like every tag in it.
struct boot_info {
    uint32_t size;  // in bytes, of all of it
    uint32_t reserved;
};

struct boot_tag {
    uint32_t type;
    uint32_t size;  // in bytes, without the padding up to the next tag
};

// Returns the first tag of the type behind another tag, or of all if
// that is null; null if there is none. Panics if the tags do not fit
// into each other: then nothing the loader said can be relied on.
const struct boot_tag *boot_info_next(const struct boot_info *info,
                                      const struct boot_tag *behind,
                                      enum boot_tag_type type);

// Returns the first tag of the type, or null.
const struct boot_tag *boot_info_find(const struct boot_info *info,
                                      enum boot_tag_type type);

// Returns the loader's name, or null.
const char *boot_info_loader(const struct boot_info *info);

// Did the loader leave the display as the VGA's text screen?
bool boot_info_has_text_screen(const struct boot_info *info);

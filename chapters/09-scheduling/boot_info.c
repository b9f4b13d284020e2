// boot_info.c: a walk over the tags that the loader left in memory.

#include "boot_info.h"

#include <stddef.h>

#include "memory.h"
#include "panic.h"
#include "string.h"

struct framebuffer {
    struct boot_tag tag;
    uint64_t address;
    uint32_t pitch, width, height;
    uint8_t bits_per_pixel;
    uint8_t type;
};

enum { FRAMEBUFFER_TEXT = 2 };

_Static_assert(offsetof(struct framebuffer, type) == 29,
               "the loader writes the type as byte 29");

const struct boot_tag *boot_info_next(const struct boot_info *info,
                                      const struct boot_tag *behind,
                                      enum boot_tag_type type)
{
    uint64_t at  = (uint64_t)info + sizeof(*info);
    uint64_t end = (uint64_t)info + info->size;

    if (behind)
        at = align_up((uint64_t)behind + behind->size, 8);

    while (at + sizeof(struct boot_tag) <= end) {
        const struct boot_tag *tag = (const struct boot_tag *)at;

        if (tag->size < sizeof(*tag) || tag->size > end - at)
            panic("boot information at %p: tag %u has %u bytes",
                  (void *)at, tag->type, tag->size);
        if (tag->type == type)
            return tag;
        if (tag->type == BOOT_TAG_END)
            return NULL;
        at = align_up(at + tag->size, 8);
    }
    panic("boot information at %p: no end in %u bytes", (void *)info,
          info->size);
}

const struct boot_tag *boot_info_find(const struct boot_info *info,
                                      enum boot_tag_type type)
{
    return boot_info_next(info, NULL, type);
}

const char *boot_info_loader(const struct boot_info *info)
{
    const struct boot_tag *tag =
        boot_info_find(info, BOOT_TAG_LOADER_NAME);
    const char *name;
    size_t limit;

    if (!tag)
        return NULL;
    name  = (const char *)(tag + 1);
    limit = tag->size - sizeof(*tag);
    return strnlen(name, limit) < limit ? name : NULL;
}

bool boot_info_has_text_screen(const struct boot_info *info)
{
    const struct boot_tag *tag =
        boot_info_find(info, BOOT_TAG_FRAMEBUFFER);
    const struct framebuffer *framebuffer =
        (const struct framebuffer *)tag;

    return tag && tag->size > offsetof(struct framebuffer, type) &&
           framebuffer->type == FRAMEBUFFER_TEXT;
}

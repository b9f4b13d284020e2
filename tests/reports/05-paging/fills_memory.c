// fills_memory.c: all memory is handed out and written to. What the
// loader said has to stay as it was.

#include "ktap.h"

#include "boot_info.h"
#include "frames.h"
#include "string.h"

enum { PATTERN = 0xcc };

static uint32_t sum_of(const struct boot_info *info)
{
    const uint8_t *bytes = (const uint8_t *)info;
    uint32_t sum         = 0;

    for (uint32_t i = 0; i < info->size; i++)
        sum = sum * 31 + bytes[i];
    return sum;
}

TEST(boot_information_survives)
{
    const struct boot_info *info = (const void *)ktap_argument;
    uint32_t before              = sum_of(info);
    size_t count                 = frames_free();
    phys_addr frame;

    while ((frame = frame_alloc()) != NO_FRAME) {
        memset(direct_map(frame), PATTERN, PAGE_SIZE);
        count--;
    }
    CHECK_EQ(count, 0);
    CHECK_EQ(sum_of(info), before);
    CHECK_EQ(memcmp(boot_info_loader(info), "GRUB 2.", 7), 0);
}

// boot_info.c: tags that GRUB wrote, and tags made up. Those that break
// off the walk in a panic are in tests/panics/02-vga/.

#include "ktap.h"

#include "boot_info.h"
#include "string.h"

enum { OTHER = 1, RGB = 1, TEXT = 2 };

#define SIZE(...) sizeof((uint32_t[]){__VA_ARGS__})

// The information from its words, its size computed.
#define INFO(name, ...) \
    static const _Alignas(8) \
        uint32_t name[] = {8 + SIZE(__VA_ARGS__), 0, __VA_ARGS__}

#define END BOOT_TAG_END, 8

static const void *find(const uint32_t *info, int type)
{
    return boot_info_find((const struct boot_info *)info, type);
}

static bool has_text_screen(const uint32_t *info)
{
    return boot_info_has_text_screen((const struct boot_info *)info);
}

TEST(grub_tells_its_name)
{
    const char *name = boot_info_loader((void *)ktap_argument);

    CHECK(name && memcmp(name, "GRUB ", 5) == 0);
}

TEST(grub_tells_of_a_text_screen)
{
    CHECK(boot_info_has_text_screen((void *)ktap_argument));
}

TEST(tags_are_found)
{
    INFO(info, 7, 16, 1, 2, OTHER, 8, 9, 24, 1, 2, 3, 4, END);

    CHECK_EQ(find(info, 7), &info[2]);
    CHECK_EQ(find(info, OTHER), &info[6]);
    CHECK_EQ(find(info, 9), &info[8]);
    CHECK_EQ(find(info, 2), NULL);
}

TEST(first_of_two_is_found)
{
    INFO(info, OTHER, 8, 7, 8, 7, 16, 1, 2, END);

    CHECK_EQ(find(info, 7), &info[4]);
}

TEST(next_tag_is_at_a_multiple_of_8)
{
    INFO(one, OTHER, 9, 0, 0, 7, 8, END);
    INFO(seven, OTHER, 15, 0, 0, 7, 8, END);
    INFO(eight, OTHER, 16, 0, 0, 7, 8, END);

    CHECK_EQ(find(one, 7), &one[6]);
    CHECK_EQ(find(seven, 7), &seven[6]);
    CHECK_EQ(find(eight, 7), &eight[6]);
}

TEST(walk_ends_at_the_end_tag)
{
    INFO(more, OTHER, 8, END, 7, 8, END);
    INFO(none, END);

    CHECK_EQ(find(more, 7), NULL);
    CHECK_EQ(find(none, 7), NULL);
}

TEST(missing_tags_mean_no_name_and_no_screen)
{
    INFO(none, END);

    CHECK_EQ(boot_info_loader((const struct boot_info *)none), NULL);
    CHECK(!has_text_screen(none));
}

#define FRAMEBUFFER(type) \
    BOOT_TAG_FRAMEBUFFER, 32, 0xb8000, 0, 160, 80, 25, 16 | (type) << 8

TEST(text_screen_is_told_from_pixels)
{
    INFO(text, FRAMEBUFFER(TEXT), END);
    INFO(pixels, FRAMEBUFFER(RGB), END);
    INFO(palette, FRAMEBUFFER(0), END);

    CHECK(has_text_screen(text));
    CHECK(!has_text_screen(pixels));
    CHECK(!has_text_screen(palette));
}

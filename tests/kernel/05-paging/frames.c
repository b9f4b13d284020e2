// frames.c: frames are memory, and nobody else's.

#include "taken.h"

#include "boot_info.h"
#include "direct_map.h"

extern const char kernel_end[];

enum { WORDS = PAGE_SIZE / 8, AVAILABLE = 1 };

struct area {
    uint64_t base, length;
    uint32_t type, reserved;
};

struct map {
    struct boot_tag tag;
    uint32_t area_size, version;
    struct area areas[];
};

static const struct boot_info *boot_info(void)
{
    return (const struct boot_info *)ktap_argument;
}

static const struct map *memory_map(void)
{
    const struct boot_tag *tag =
        boot_info_find(boot_info(), BOOT_TAG_MEMORY_MAP);
    const struct map *map = (const struct map *)tag;

    CHECK_EQ(map->area_size, sizeof(struct area));
    return map;
}

static size_t areas_of(const struct map *map)
{
    return (map->tag.size - sizeof(*map)) / sizeof(struct area);
}

// GRUB's areas neither overlap nor wrap.
static bool is_memory(phys_addr frame)
{
    const struct map *map = memory_map();

    for (size_t i = 0; i < areas_of(map); i++) {
        const struct area *area = &map->areas[i];

        if (area->type == AVAILABLE && frame >= area->base &&
            frame + PAGE_SIZE <= area->base + area->length)
            return true;
    }
    return false;
}

static bool is_free_memory(phys_addr frame)
{
    phys_addr info = ktap_argument - DIRECT_MAP;

    return frame >= image_address(kernel_end) &&
           (frame + PAGE_SIZE <= info ||
            frame >= info + boot_info()->size) &&
           is_memory(frame);
}

TEST(frames_are_free_memory)
{
    take_all_but(0);
    for (phys_addr f = taken; f != NO_FRAME; f = *taken_next(f)) {
        CHECK_EQ(f % PAGE_SIZE, 0);
        CHECK(is_free_memory(f));
    }
    give_back();
}

static phys_addr end_of_memory(void)
{
    const struct map *map = memory_map();
    phys_addr end         = 0;

    for (size_t i = 0; i < areas_of(map); i++) {
        const struct area *area = &map->areas[i];

        if (area->type == AVAILABLE && area->base + area->length > end)
            end = area->base + area->length;
    }
    return end;
}

// What is missing are the tables of the direct map and of the frames.
TEST(all_memory_becomes_frames)
{
    const phys_addr end = end_of_memory();
    size_t frames = 0, tables = direct_map_table_size(end), missing;

    for (phys_addr at = 0; at < end; at += PAGE_SIZE)
        frames += is_free_memory(at);
    missing = (frames - frames_total()) * PAGE_SIZE;
    CHECK(missing > tables);
    CHECK(missing <= tables + end / PAGE_SIZE / 8 + 2 * PAGE_SIZE);
    CHECK(frames_total() - frames_free() < 100);
}

static void fill(phys_addr frame)
{
    uint64_t *words = direct_map(frame);

    for (int i = 1; i < WORDS; i++)
        words[i] = frame + i;
}

static bool is_filled(phys_addr frame)
{
    const uint64_t *words = direct_map(frame);

    for (int i = 1; i < WORDS; i++)
        if (words[i] != frame + i)
            return false;
    return true;
}

TEST(every_frame_keeps_what_is_written)
{
    take_all_but(0);
    for (phys_addr f = taken; f != NO_FRAME; f = *taken_next(f))
        fill(f);
    for (phys_addr f = taken; f != NO_FRAME; f = *taken_next(f))
        if (!CHECK(is_filled(f)))
            break;
    give_back();
}

TEST(frames_are_counted)
{
    size_t total = frames_total(), free = frames_free();
    phys_addr a = frame_alloc(), b = frame_alloc();

    CHECK(a != b);
    CHECK_EQ(frames_free(), free - 2);
    frame_free(a);
    CHECK_EQ(frames_free(), free - 1);
    frame_free(b);
    CHECK_EQ(frames_free(), free);
    CHECK_EQ(frames_total(), total);
}

TEST(all_frames_can_be_had_and_given_back)
{
    size_t free = frames_free(), count = 0;

    for (int round = 0; round < 2; round++) {
        take_all_but(0);
        count = 0;
        for (phys_addr f = taken; f != NO_FRAME; f = *taken_next(f))
            count++;
        CHECK_EQ(count, free);
        CHECK_EQ(frames_free(), 0);
        give_back();
        CHECK_EQ(frames_free(), free);
    }
}

TEST(without_memory_there_is_no_frame)
{
    size_t free = frames_free();
    phys_addr frame;

    take_all_but(0);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(frame_alloc(), NO_FRAME);
    CHECK_EQ(frames_free(), 0);
    frame = taken;
    taken = *taken_next(frame);
    frame_free(frame);
    CHECK_EQ(frame_alloc(), frame);
    CHECK_EQ(frame_alloc(), NO_FRAME);
    frame_free(frame);
    give_back();
    CHECK_EQ(frames_free(), free);
}

// Frames come and go at random. Each bears the number of its owner.

enum { OWNERS = 300 };

static uint32_t drawn(uint32_t below)
{
    static uint32_t state = 1;

    state = state * 1664525 + 1013904223;
    return (state >> 16) % below;
}

TEST(frames_come_and_go)
{
    static phys_addr frames[OWNERS];
    size_t free = frames_free(), owned = 0;

    for (int i = 0; i < 20000 + OWNERS; i++) {
        int owner = i < 20000 ? (int)drawn(OWNERS) : i - 20000;
        volatile uint64_t *words = direct_map(frames[owner]);

        if (frames[owner] != NO_FRAME) {
            CHECK_EQ(words[0], owner);
            CHECK_EQ(words[WORDS - 1], ~(uint64_t)owner);
            frame_free(frames[owner]);
            frames[owner] = NO_FRAME;
            owned--;
        } else if (i < 20000) {
            frames[owner]    = frame_alloc();
            words            = direct_map(frames[owner]);
            words[0]         = owner;
            words[WORDS - 1] = ~(uint64_t)owner;
            owned++;
        }
        if (!CHECK_EQ(frames_free(), free - owned))
            return;
    }
    CHECK_EQ(frames_free(), free);
}

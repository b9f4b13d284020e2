// small_memory.c: kernels that get another start, with little memory in
// two places. What they do not get was memory of the kernel before.

#include "loader.h"
#include "taken.h"
#include "01-boot/walk.h"

#include "direct_map.h"
#include "paging.h"

#define MIB (1ul << 20)

// Pages: six of the direct map, and one of the frames' bits.
enum { TABLES = 7 };

enum { WORDS = PAGE_SIZE / 8, STEP = 102 };

static struct loader_area first, second;

static bool is_given(phys_addr frame)
{
    return (frame >= first.base &&
            frame + PAGE_SIZE <= first.base + first.length) ||
           (frame >= second.base &&
            frame + PAGE_SIZE <= second.base + second.length);
}

// Uses each frame, so that all memory is in the direct map.
static void use_all(void)
{
    take_all_but(0);
    give_back();
}

// Memory may hold anything at first. All of it is zero at the boot.
static void start(const struct boot_info *info)
{
    memset(direct_map(first.base), 0xff, first.length);
    memory_init(info);
    CHECK_EQ(cr3() & ADDRESS, kernel_space.root);
    CHECK(is_hole(DIRECT_MAP));
    CHECK(is_hole(0));
}

// Some words of each frame, its last one with them.
static void check_frames(void)
{
    CHECK_EQ(frames_total() + TABLES,
             (first.length + second.length) / PAGE_SIZE);
    take_all_but(0);
    CHECK_EQ(frame_alloc(), NO_FRAME);
    for (phys_addr f = taken; f != NO_FRAME; f = *taken_next(f)) {
        CHECK(is_given(f));
        for (int i = 1; i < WORDS; i += STEP)
            ((uint64_t *)direct_map(f))[i] = f + i;
    }
    for (phys_addr f = taken; f != NO_FRAME; f = *taken_next(f))
        for (int i = 1; i < WORDS; i += STEP)
            if (!CHECK_EQ(((uint64_t *)direct_map(f))[i], f + i))
                return;
    give_back();
}

// The boot information has to stay readable, wherever it is.
static void start_from_afar(void)
{
    struct boot_info *info;

    use_all();
    first  = (struct loader_area){8 * MIB, 8 * MIB, 1, 0};
    second = (struct loader_area){16 * MIB, 78 * MIB, 1, 0};
    loader_start_with(first, second);
    info = loader_end_at(100 * MIB + 8);
    start(info);
    CHECK_EQ(memcmp(info, loader.bytes, loader.size), 0);
    CHECK(is_hole(DIRECT_MAP + 98 * MIB));
    check_frames();
}

static void start_with(phys_addr a, size_t pages_of_a, phys_addr b,
                       size_t pages_of_b)
{
    first  = (struct loader_area){a, pages_of_a * PAGE_SIZE, 1, 0};
    second = (struct loader_area){b, pages_of_b * PAGE_SIZE, 1, 0};
    loader_start_with(first, second);
    use_all();
    start(loader_end());
    check_frames();
}

// Directories for 33 GiB, and a bit for each frame up to the last one,
// which nobody can use: it does not exist.
static void start_with_far_memory(void)
{
    enum { FIRST = 400, DIRECTORIES = 2 + 33, BITS_OF_FRAMES = 257 };

    first  = (struct loader_area){74 * MIB, FIRST * PAGE_SIZE, 1, 0};
    second = (struct loader_area){32768 * MIB, PAGE_SIZE, 1, 0};
    loader_start_with(first, second);
    use_all();
    start(loader_end());
    CHECK_EQ(frames_total(), FIRST + 1 - DIRECTORIES - BITS_OF_FRAMES);
}

// Each time in memory of the kernel before, but none that it needs.
TEST(kernel_starts_with_little_memory)
{
    start_from_afar();

    // From and to the middle of large pages.
    start_with(16 * MIB + 5 * PAGE_SIZE, 4000, 64 * MIB - PAGE_SIZE,
               7001);

    // Both in one large page.
    start_with(64 * MIB + PAGE_SIZE, 250, 65 * MIB + PAGE_SIZE, 5000);

    // There the tables do not fit, but frames do.
    start_with(66 * MIB, TABLES - 1, 67 * MIB, 3000);

    // There they just fit.
    start_with(68 * MIB, TABLES, 70 * MIB, 2000);

    // The last place is a single page.
    start_with(72 * MIB, 1000, 77 * MIB, 1);

    start_with_far_memory();
}

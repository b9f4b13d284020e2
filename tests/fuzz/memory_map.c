// memory_map.c: any bytes as the loader's tags, and what becomes of the
// memory they tell of. A model says of one page at a time whether it
// may be used; the kernel's ranges, and each frame that it hands out,
// have to agree.

#include "memory_map.h"

#include "direct_map.h"
#include "frames.h"
#include "host/host.h"
#include "host/memory.h"

enum { HEADER = 8, MOST = 4096, FRAMES = 700, ROOT = 0x8000 };

#define KERNEL_END 0x234567ul

// For kernel.ld.
asm(".globl kernel_end\n"
    ".set kernel_end, 0xffffffff80234567\n");

extern uint64_t host_cr3;

typedef unsigned __int128 wide;  // no sum of two addresses wraps

struct extent {
    wide start, end;
};

static struct {
    struct extent available[MOST], reserved[MOST];
    size_t available_count, reserved_count;
} model;

static uint64_t here;  // the boot information
static const uint8_t *bytes;
static size_t size;

static uint64_t number(size_t at, size_t length)
{
    uint64_t value = 0;

    memcpy(&value, bytes + at, length);
    return value;
}

static void reserve(wide start, wide end)
{
    model.reserved[model.reserved_count++] =
        (struct extent){start, end};
}

static bool read_map(size_t at, size_t length)
{
    size_t area = length >= 16 ? number(at + 8, 4) : 0;

    if (area < 24 || area % 8 != 0)
        return false;
    for (size_t i = 16; i + area <= length; i += area) {
        uint64_t base      = number(at + i, 8);
        struct extent read = {base, (wide)base + number(at + i + 8, 8)};

        if (number(at + i + 16, 4) == 1)
            model.available[model.available_count++] = read;
        else
            reserve(read.start, read.end);
    }
    return true;
}

static bool read_module(size_t at, size_t length)
{
    if (length < 16 || number(at + 12, 4) < number(at + 8, 4))
        return false;
    reserve(number(at + 8, 4), number(at + 12, 4));
    return true;
}

// False: there is a mistake in the tags, or no memory map. The first
// one counts.
static bool read_tags(void)
{
    bool has_map = false;
    size_t at    = HEADER;

    while (at + HEADER <= size) {
        uint64_t type = number(at, 4), length = number(at + 4, 4);

        if (length < HEADER || length > size - at)
            return false;
        if (type == BOOT_TAG_END)
            return has_map;
        if (type == BOOT_TAG_MODULE && !read_module(at, length))
            return false;
        if (type == BOOT_TAG_MEMORY_MAP && !has_map) {
            if (!read_map(at, length))
                return false;
            has_map = true;
        }
        at += (length + 7) / 8 * 8;
    }
    return false;
}

static bool read_model(void)
{
    model.available_count = model.reserved_count = 0;
    reserve(0, KERNEL_END);
    reserve(here, here + size);
    return read_tags();
}

// All of it in one available area, nothing of it in any other.
static bool may_use(uint64_t page)
{
    bool available = false;

    if (page + PAGE_SIZE > DIRECT_MAP_SIZE)
        return false;
    for (size_t i = 0; i < model.available_count; i++)
        available |= model.available[i].start <= page &&
                     model.available[i].end >= page + PAGE_SIZE;
    for (size_t i = 0; i < model.reserved_count; i++)
        available &= model.reserved[i].start >= page + PAGE_SIZE ||
                     model.reserved[i].end <= page;
    return available;
}

static bool contains(const struct range_set *set, uint64_t page)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->ranges[i].start <= page && page < set->ranges[i].end)
            return true;
    return false;
}

static void check_order(const struct range_set *set)
{
    CHECK(set->count <= RANGES_MAX);
    for (size_t i = 0; i < set->count; i++) {
        const struct range *range = &set->ranges[i];

        CHECK(range->start < range->end);
        CHECK(range->start % PAGE_SIZE == 0);
        CHECK(range->end % PAGE_SIZE == 0);
        CHECK(i == 0 || range[-1].end < range->start);
    }
}

// Between two borders all pages are alike: look around each.
static void check_around(const struct range_set *set, wide border)
{
    uint64_t page;

    if (border > DIRECT_MAP_SIZE)
        border = DIRECT_MAP_SIZE;
    page = align_down(border, PAGE_SIZE);
    for (int i = -1; i <= 1; i++) {
        uint64_t at = page + i * PAGE_SIZE;

        if (contains(set, at))
            CHECK(may_use(at));
        else if (set->lost == 0 && at < DIRECT_MAP_SIZE)
            CHECK(!may_use(at));
    }
}

static void check_extents(const struct range_set *set,
                          const struct extent *extents, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_around(set, extents[i].start);
        check_around(set, extents[i].end);
    }
}

static void check_set(const struct range_set *set)
{
    check_order(set);
    check_extents(set, model.available, model.available_count);
    check_extents(set, model.reserved, model.reserved_count);
    for (size_t i = 0; i < set->count; i++) {
        check_around(set, set->ranges[i].start);
        check_around(set, set->ranges[i].end);
    }
}

// As the CPU would walk: is it in the direct map, and where it says?
static bool is_mapped(uint64_t address)
{
    uint64_t virtual = DIRECT_MAP + address, table = host_cr3;

    for (int shift = 39; shift >= 12; shift -= 9) {
        const uint64_t *entries = host_memory(table);
        uint64_t entry          = entries[virtual >> shift & 511];

        if (!(entry & PAGE_PRESENT))
            return false;
        table = entry & PAGE_ADDRESS;
        if (shift == 12 || (shift == 21 && entry & PAGE_LARGE))
            return table + (address & ((1ul << shift) - 1)) == address;
    }
    return false;
}

static void init(void *set)
{
    frames_init(set);
}

static void free_frame(void *frame)
{
    frame_free(*(phys_addr *)frame);
}

// Each frame is marked at both ends. Who has one twice, or one that the
// kernel needs itself, spoils a mark or the tables.
static size_t take_frames(phys_addr *frames,
                          const struct range_set *left)
{
    size_t count = 0;

    while (count < FRAMES) {
        phys_addr frame = frame_alloc();

        if (frame == NO_FRAME)
            break;
        CHECK(frame % PAGE_SIZE == 0 && may_use(frame));
        CHECK(contains(left, frame) && is_mapped(frame));
        memset(host_memory(frame), 0xff, 64);
        memcpy(host_memory(frame + PAGE_SIZE - 8), &frame, 8);
        frames[count++] = frame;
    }
    CHECK(count == FRAMES || count == frames_total());
    CHECK(frames_free() == frames_total() - count);
    return count;
}

static void check_frames(const phys_addr *frames, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CHECK(memcmp(host_memory(frames[i] + PAGE_SIZE - 8), &frames[i],
                     8) == 0);
        CHECK(is_mapped(frames[i]));
    }
}

// What is given back can be had again, but not be given back again.
static void give_back(phys_addr *frames, size_t count)
{
    uint64_t none = here;

    CHECK(!host_run(free_frame, &none));
    for (size_t i = 0; i < count; i += 3) {
        CHECK(host_run(free_frame, &frames[i]));
        CHECK(!host_run(free_frame, &frames[i]));
        CHECK(frame_alloc() == frames[i]);
    }
}

// Enough memory in one piece, and a page more, has to do.
static bool is_enough(const struct range_set *set)
{
    uint64_t end  = set->ranges[set->count - 1].end;
    uint64_t need = direct_map_table_size(end) +
                    end / PAGE_SIZE / 64 * 8 + 8 + 2 * PAGE_SIZE;

    for (size_t i = 0; i < set->count; i++)
        if (set->ranges[i].start + need <= set->ranges[i].end &&
            set->ranges[i].start + need <= BOOT_MAP_SIZE)
            return true;
    return false;
}

static void use(struct range_set set)
{
    static phys_addr frames[FRAMES];
    size_t count;

    host_cr3 = ROOT;
    if (!host_run(init, &set)) {
        CHECK(set.count == 0 || !is_enough(&set));
        return;
    }
    CHECK(frames_total() == range_total(&set) / PAGE_SIZE);
    count = take_frames(frames, &set);
    check_frames(frames, count);
    give_back(frames, count);
}

static void read(void *set)
{
    memory_map_read((const struct boot_info *)bytes, set);
}

// The first bytes say where the loader has put it.
static void load(struct bytes *input)
{
    struct boot_info *info;

    here  = 0x10000 + take_number(input, 4) % (1ul << 29) * 8;
    size  = HEADER + bytes_left(input);
    info  = host_memory(here);
    *info = (struct boot_info){.size = size};
    memcpy(info + 1, input->next, size - HEADER);
    bytes = (const uint8_t *)info;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct range_set set = {.count = 0};
    struct bytes input   = {data, data + length};
    bool is_right;

    load(&input);
    host_only(here, size);
    is_right = read_model();
    CHECK(host_run(read, &set) == is_right);
    if (is_right) {
        check_set(&set);
        use(set);
        use(set);  // with memory that holds something
        CHECK(memcmp(bytes + HEADER, input.next, size - HEADER) == 0);
    }
    host_all(here, size);
    host_forget();
    return 0;
}

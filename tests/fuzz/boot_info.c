// boot_info.c: any bytes as the loader's tags. A second walk, over
// bytes and offsets, says what there is to be found.

#include "boot_info.h"

#include "host/host.h"

enum { HEADER = 8, TYPES = 10, BROKEN = -1, NONE = -2 };

static const uint8_t *bytes;  // of the whole boot information
static size_t size;

static uint32_t word(size_t at)
{
    uint32_t value;

    memcpy(&value, bytes + at, sizeof(value));
    return value;
}

// Where the first tag of a type is, from an offset on.
static long expected(size_t at, uint32_t type)
{
    while (at + HEADER <= size) {
        uint32_t length = word(at + 4);

        if (length < HEADER || length > size - at)
            return BROKEN;
        if (word(at) == type)
            return at;
        if (word(at) == BOOT_TAG_END)
            return NONE;
        at += (length + 7ul) / 8 * 8;
    }
    return BROKEN;
}

struct search {
    const struct boot_info *info;
    uint32_t type;
    const struct boot_tag *found;
};

static void find(void *argument)
{
    struct search *search = argument;

    search->found = boot_info_find(search->info, search->type);
}

static void check_place(bool returned, const struct boot_tag *found,
                        long place)
{
    CHECK(returned == (place != BROKEN));
    if (place == NONE)
        CHECK(!found);
    if (place >= 0)
        CHECK((const uint8_t *)found == bytes + place);
}

#if CHAPTER >= 5
static void find_next(void *argument)
{
    struct search *search = argument;

    search->found =
        boot_info_next(search->info, search->found, search->type);
}

// All tags of a type, one after the other.
static void check_all(struct search search)
{
    size_t from = HEADER;
    long place;

    search.found = NULL;
    do {
        bool returned = host_run(find_next, &search);

        place = expected(from, search.type);
        check_place(returned, search.found, place);
        if (place >= 0)
            from = place + (word(place + 4) + 7ul) / 8 * 8;
    } while (place >= 0);
}
#else
static void check_all(struct search search)
{
    (void)search;
}
#endif

static void get_loader(void *argument)
{
    *(const char **)argument =
        boot_info_loader((const struct boot_info *)bytes);
}

static void check_loader(void)
{
    long place = expected(HEADER, BOOT_TAG_LOADER_NAME);
    const char *name;
    bool returned = host_run(get_loader, &name);
    size_t length;

    CHECK(returned == (place != BROKEN));
    if (!returned)
        return;
    if (place == NONE) {
        CHECK(!name);
        return;
    }
    length = word(place + 4) - HEADER;
    if (memchr(bytes + place + HEADER, '\0', length))
        CHECK((const uint8_t *)name == bytes + place + HEADER);
    else
        CHECK(!name);
}

static void get_screen(void *argument)
{
    *(bool *)argument =
        boot_info_has_text_screen((const struct boot_info *)bytes);
}

static void check_screen(void)
{
    long place = expected(HEADER, BOOT_TAG_FRAMEBUFFER);
    bool text, returned = host_run(get_screen, &text);

    CHECK(returned == (place != BROKEN));
    if (returned)
        CHECK(text == (place >= 0 && word(place + 4) >= 30 &&
                       bytes[place + 29] == 2));
}

// A size of less than 8 bytes is one as well.
static struct boot_info *make_info(const uint8_t *data, size_t length)
{
    struct boot_info *info = malloc(HEADER + length);

    size  = length < HEADER ? length : HEADER + length;
    *info = (struct boot_info){.size = size};
    memcpy(info + 1, data, length);
    bytes = (const uint8_t *)info;
    return info;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct boot_info *info = make_info(data, length);

    for (uint32_t type = 0; type < TYPES; type++) {
        struct search search = {info, type, NULL};
        bool returned        = host_run(find, &search);

        check_place(returned, search.found, expected(HEADER, type));
        check_all(search);
    }
    check_loader();
    check_screen();
    free(info);
    return 0;
}

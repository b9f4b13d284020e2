// check.c: objects are constructed once, and stay it.

#include "../../07-interrupts/stepped.h"
#include "../../escaped.h"
#include "05-paging/taken.h"

#include "frames.h"
#include "heap.h"
#include "interrupts.h"
#include "memory.h"

#if !__has_include("cache.h")
#error There is no cache.h, which is to declare cache_create().
#endif
#include "cache.h"

enum { MOST = 2000, SIZE = 200, MADE_MOST = 4000 };

static void *objects[MOST];

// Which objects were constructed, one after the other.
static void *made[MADE_MOST];
static int made_count;

// A constructor for objects of SIZE bytes.
static void construct(void *object)
{
    if (made_count < MADE_MOST)
        made[made_count] = object;
    made_count++;
    memset(object, 0xc5, SIZE);
    *(void **)object = object;
}

static bool is_constructed(const void *object)
{
    const uint8_t *bytes = object;

    for (int i = sizeof(object); i < SIZE; i++)
        if (bytes[i] != 0xc5)
            return false;
    return *(void *const *)object == object;
}

static struct cache *cache_of_all(void)
{
    static struct cache *cache;

    if (!cache)
        cache = cache_create(SIZE, construct);
    made_count = 0;
    return cache;
}

static size_t frames_without_heap(void)
{
    heap_trim();
    return frames_free();
}

static bool are_apart(int count, size_t size)
{
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++)
            if ((char *)objects[i] < (char *)objects[k] + size &&
                (char *)objects[k] < (char *)objects[i] + size)
                return false;
    return true;
}

static bool get(struct cache *cache, int count)
{
    for (int i = 0; i < count; i++) {
        objects[i] = cache_alloc(cache);
        if (!CHECK(objects[i] != NULL))
            return false;
    }
    return true;
}

static void drop(struct cache *cache, int count)
{
    for (int i = 0; i < count; i++)
        cache_free(cache, objects[i]);
}

TEST(objects_are_constructed)
{
    struct cache *cache = cache_of_all();

    if (!get(cache, 1000))
        return;
    CHECK(are_apart(1000, SIZE));
    for (int i = 0; i < 1000; i++) {
        CHECK(is_constructed(objects[i]));
        CHECK_EQ((uint64_t)objects[i] % 16, 0);
    }
    drop(cache, 1000);
}

static int times_made(const void *object)
{
    int times = 0;

    for (int i = 0; i < made_count && i < MADE_MOST; i++)
        times += made[i] == object;
    return times;
}

// While others are in use, no frame comes or goes.
TEST(objects_are_constructed_once)
{
    struct cache *cache = cache_of_all();
    int before;

    heap_trim();
    if (!get(cache, 500))
        return;
    for (int i = 0; i < 500; i++)
        CHECK_EQ(times_made(objects[i]), 1);
    before = made_count;
    for (int i = 0; i < 5000; i++) {
        int which = i * 77 % 500;

        if (which % 10 == 0)
            continue;
        cache_free(cache, objects[which]);
        objects[which] = cache_alloc(cache);
    }
    CHECK_EQ(made_count, before);
    drop(cache, 500);
}

// Not even if nothing else is in use.
TEST(one_object_again_and_again)
{
    struct cache *cache = cache_of_all();
    int before;

    get(cache, 1);
    before = made_count;
    for (int i = 0; i < 1000; i++) {
        cache_free(cache, objects[0]);
        objects[0] = cache_alloc(cache);
        CHECK(is_constructed(objects[0]));
    }
    CHECK_EQ(made_count, before);
    drop(cache, 1);
}

// What the last owner left in it is there for the next one.
TEST(free_objects_stay_what_they_are)
{
    struct cache *cache = cache_of_all();

    if (!get(cache, 100))
        return;
    for (int i = 0; i < 100; i++)
        memset(objects[i], i, SIZE);
    for (int i = 0; i < 100; i++)
        if (i % 7 != 0)
            cache_free(cache, objects[i]);
    for (int i = 0; i < 100; i++)
        for (int k = 0; k < SIZE; k++)
            if (!CHECK_EQ(((uint8_t *)objects[i])[k], i))
                return;
    for (int i = 0; i < 100; i++)
        construct(objects[i]);
    for (int i = 0; i < 100; i++)
        if (i % 7 != 0)
            objects[i] = cache_alloc(cache);
    for (int i = 0; i < 100; i++)
        CHECK(is_constructed(objects[i]));
    CHECK(are_apart(100, SIZE));
    drop(cache, 100);
}

// Sizes and numbers

static void zeros(void *object)
{
    memset(object, 0, 16);
}

static void check_size(size_t size, size_t frames)
{
    struct cache *cache = cache_create(size, zeros);
    size_t before       = frames_without_heap();

    if (!CHECK(cache != NULL) || !get(cache, 400))
        return;
    if (!CHECK(before - frames_free() <= frames))
        CHECK_EQ(size, 0);  // tells which
    CHECK(are_apart(400, size));
    for (int i = 0; i < 400; i++) {
        CHECK_EQ(*(uint64_t *)objects[i], 0);
        memset(objects[i], 0xff, size);
    }
    for (int i = 0; i < 400; i++)
        memset(objects[i], 0, size < 16 ? size : 16);
    drop(cache, 400);
    CHECK_EQ(frames_without_heap(), before);
}

TEST(objects_share_frames)
{
    check_size(16, 2);
    check_size(24, 4);
    check_size(100, 12);
    check_size(400, 45);
    check_size(900, 101);
    check_size(1250, 135);
    check_size(1904, 200);
}

static void first(void *object)
{
    memset(object, 1, 64);
}

static void second(void *object)
{
    memset(object, 2, 64);
}

TEST(caches_of_one_size_are_two)
{
    struct cache *one = cache_create(64, first);
    struct cache *two = cache_create(64, second);

    for (int i = 0; i < 300; i++)
        objects[i] = cache_alloc(i % 2 ? one : two);
    for (int i = 0; i < 300; i++)
        CHECK_EQ(*(uint8_t *)objects[i], i % 2 ? 1 : 2);
    CHECK(are_apart(300, 64));
    for (int i = 0; i < 300; i++)
        cache_free(i % 2 ? one : two, objects[i]);
    for (int i = 0; i < 300; i++)
        objects[i] = cache_alloc(i % 3 ? one : two);
    for (int i = 0; i < 300; i++)
        CHECK_EQ(*(uint8_t *)objects[i], i % 3 ? 1 : 2);
    for (int i = 0; i < 300; i++)
        cache_free(i % 3 ? one : two, objects[i]);
}

TEST(hundred_caches)
{
    static struct cache *caches[100];

    for (int i = 0; i < 100; i++)
        caches[i] = cache_create(64, i % 2 ? first : second);
    for (int i = 0; i < 100; i++)
        objects[i] = cache_alloc(caches[i]);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(*(uint8_t *)objects[i], i % 2 ? 1 : 2);
    for (int i = 0; i < 100; i++)
        cache_free(caches[i], objects[i]);
}

// Frames

// Writes to all memory that is free.
static void dirty(void)
{
    void **list = NULL, **block;

    while ((block = kmalloc(1900))) {
        memset(block, 0xee, 1900);
        *block = list;
        list   = block;
    }
    while ((block = list)) {
        list = *block;
        kfree(block);
    }
}

TEST(frames_come_and_go)
{
    struct cache *cache = cache_of_all();
    size_t before;

    take_all_but(500);
    before = frames_without_heap();
    for (int round = 0; round < 3; round++) {
        if (!get(cache, 1000))
            return;
        for (int i = 0; i < 1000; i++)
            CHECK(is_constructed(objects[i]));
        drop(cache, 1000);
        CHECK_EQ(frames_without_heap(), before);
        dirty();
        CHECK_EQ(frames_without_heap(), before);
    }
    drop(cache, get(cache, 1));
    CHECK(heap_trim() > 0);
    CHECK_EQ(heap_trim(), 0);
    give_back();
}

static size_t take_all(struct cache *cache)
{
    void **list = NULL, **object;
    size_t count;

    for (count = 0; (object = cache_alloc(cache)); count++) {
        *object = list;
        list    = object;
    }
    while ((object = list)) {
        list    = *object;
        *object = object;  // as it was constructed
        cache_free(cache, object);
    }
    return count;
}

TEST(all_memory_serves_one_after_the_other)
{
    struct cache *cache = cache_of_all();
    struct cache *other = cache_create(800, zeros);
    size_t count;
    void *block;

    take_all_but(2000);
    count = take_all(cache);
    block = kmalloc(1900 * PAGE_SIZE);
    CHECK(count > frames_free() * 15);
    CHECK(block != NULL);
    kfree(block);
    CHECK(take_all(other) > frames_free() * 3);
    CHECK(take_all(cache) + 300 > count);
    dirty();
    CHECK(take_all(cache) + 300 > count);
    heap_trim();
    give_back();
}

// The last frame that could be had is kept by the heap, for blocks of
// another size.
TEST(frame_that_is_kept_is_given_back)
{
    struct cache *cache = cache_create(900, zeros);
    void **list         = NULL, **block;
    void *kept, *object;

    heap_trim();
    take_all_but(100);
    kept = kmalloc(100);
    while ((block = kmalloc(1900))) {
        *block = list;
        list   = block;
    }
    CHECK(cache_alloc(cache) == NULL);
    kfree(kept);
    object = cache_alloc(cache);
    CHECK(object != NULL);
    if (object)
        cache_free(cache, object);
    while ((block = list)) {
        list = *block;
        kfree(block);
    }
    heap_trim();
    give_back();
}

// Either there is room for it, or it is null.
TEST(cache_without_memory)
{
    void **list = NULL, **block;
    struct cache *cache;

    take_all_but(100);
    for (size_t size = 4096; size >= 16; size /= 2)
        while ((block = kmalloc(size))) {
            *block = list;
            list   = block;
        }
    for (int i = 0; i < 100 && (cache = cache_create(300, zeros)); i++)
        CHECK(cache_alloc(cache) == NULL);
    while ((block = list)) {
        list = *block;
        kfree(block);
    }
    heap_trim();
    give_back();
}

// Between any two instructions a handler does the same.

// Few objects that are constructed fast, since that is done step by
// step.
enum { SHARED_SIZE = 400, SHARED = 25, CONSTRUCTED = 1, OWNED = 2 };

static struct cache *shared;
static uint64_t *theirs[8];

static void construct_shared(void *object)
{
    *(uint64_t *)object = CONSTRUCTED;
}

static uint64_t *own(uint64_t *object)
{
    if (!CHECK(object != NULL))
        return NULL;
    CHECK_EQ(*object, CONSTRUCTED);
    *object = OWNED;
    return object;
}

static void disown(uint64_t *object)
{
    CHECK_EQ(*object, OWNED);
    *object = CONSTRUCTED;
}

static bool interrupt(struct trap_frame *frame)
{
    static int turn;
    uint64_t **object = &theirs[turn++ * 5 % 8];

    if (!(frame->rflags & RFLAGS_IF))
        return true;
    if (*object) {
        disown(*object);
        cache_free(shared, *object);
        *object = NULL;
    } else {
        *object = own(cache_alloc(shared));
    }
    return true;
}

static uint64_t allocate(void *unused)
{
    (void)unused;
    return (uint64_t)cache_alloc(shared);
}

static uint64_t free_object(void *object)
{
    cache_free(shared, object);
    return 0;
}

// The first and the last object of a frame are among them.
static void get_and_drop(void)
{
    uint64_t value;

    for (int i = 0; i < SHARED; i++) {
        CHECK(stepped_run(allocate, NULL, &value));
        objects[i] = own((uint64_t *)value);
    }
    for (int i = 0; i < SHARED; i++) {
        disown(objects[i]);
        CHECK(stepped_run(free_object, objects[i], &value));
    }
}

TEST(handlers_allocate_too)
{
    idt_init();
    interrupts_init();
    shared       = cache_create(SHARED_SIZE, construct_shared);
    stepped.step = interrupt;
    sti();
    for (int i = 0; i < 2; i++) {
        get_and_drop();
        CHECK(read_rflags() & RFLAGS_IF);
        heap_trim();
    }
    cli();
    for (int i = 0; i < 8; i++)
        if (theirs[i]) {
            disown(theirs[i]);
            cache_free(shared, theirs[i]);
        }
}

TEST(object_of_another_cache_is_a_mistake)
{
    struct cache *one = cache_create(64, first);
    struct cache *two = cache_create(64, second);

    objects[0] = cache_alloc(one);
    objects[1] = cache_alloc(two);
    CHECK_PANICS(cache_free(two, objects[0]));
}

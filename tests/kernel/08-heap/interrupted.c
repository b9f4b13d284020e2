// interrupted.c: blocks are allocated and freed in handlers, too, while
// the interrupted program does the same. First an interrupt before each
// single instruction that can be interrupted, then a storm of them.

#include "slabs.h"

#include "05-paging/taken.h"
#include "07-interrupts/lines.h"

#include "printf.h"

enum {
    SIZE  = 100,
    LARGE = 2 * PAGE_SIZE - OVERHEAD,
};

static bool enabled(void)
{
    return read_rflags() & RFLAGS_IF;
}

// Interrupts are as they were

static void check_calls(bool before)
{
    void *small = kmalloc(SIZE), *large = kmalloc(LARGE);

    CHECK_EQ(enabled(), before);
    small = krealloc(small, 2 * SIZE);
    CHECK_EQ(enabled(), before);
    small = krealloc(small, LARGE);
    CHECK_EQ(enabled(), before);
    kfree(small);
    CHECK_EQ(enabled(), before);
    kfree(large);
    CHECK_EQ(enabled(), before);
    kfree(kcalloc(3, SIZE));
    CHECK_EQ(enabled(), before);
    heap_trim();
    CHECK_EQ(enabled(), before);
    heap_check();
    CHECK_EQ(enabled(), before);
    heap_print();
    CHECK_EQ(enabled(), before);
    kfree(kmalloc(1ul << 40));
    CHECK_EQ(enabled(), before);
}

// Some are the first block of a frame, some the last one.
static void check_frames(bool before)
{
    for (int i = 0; i < 100; i++) {
        own(SIZE);
        CHECK_EQ(enabled(), before);
    }
    while (owned) {
        disown();
        CHECK_EQ(enabled(), before);
    }
}

static void check_exhausted(bool before)
{
    heap_trim();
    cli();
    take_all_but(2);
    if (before)
        sti();
    own_all(SIZE);
    CHECK_EQ(enabled(), before);
    CHECK(kmalloc(LARGE) == NULL);
    CHECK_EQ(enabled(), before);
    disown_all();
    CHECK_EQ(enabled(), before);
    own_all(LARGE);
    CHECK_EQ(enabled(), before);
    disown_all();
    CHECK_EQ(enabled(), before);
    cli();
    give_back();
}

TEST(interrupts_stay_enabled)
{
    quiet();
    sti();
    check_calls(true);
    check_frames(true);
    check_exhausted(true);
}

TEST(interrupts_stay_disabled)
{
    quiet();
    check_calls(false);
    check_frames(false);
    check_exhausted(false);
}

// One interrupt, before one instruction

enum {
    PLACES    = 2000,
    DR7_0     = 1,        // DR0 holds the address of a breakpoint
    RFLAGS_RF = 1 << 16,  // not before the next instruction
};

// Where the program can be interrupted: found out by single-stepping.
static uint64_t places[PLACES];
static int places_count;

static void (*interrupt)(void);
static bool interrupted;
static void *of_interrupt, *of_program;

static void set_breakpoint(uint64_t address, uint64_t control)
{
    asm volatile("mov %0, %%dr0; mov %1, %%dr7"
                 :
                 : "r"(address), "r"(control));
}

static bool is_known(uint64_t place)
{
    for (int i = 0; i < places_count; i++)
        if (places[i] == place)
            return true;
    return false;
}

static void note_place(struct trap_frame *frame)
{
    if (frame->rflags & RFLAGS_IF && !is_known(frame->rip) &&
        CHECK(places_count < PLACES))
        places[places_count++] = frame->rip;
}

static __attribute__((noinline)) void run_with(uint64_t flags,
                                               void (*run)(void))
{
    write_rflags(read_rflags() | flags);
    run();
    write_rflags(read_rflags() & ~flags);
}

static void note_places(void (*run)(void))
{
    places_count = 0;
    exception_set_handler(EXC_DEBUG, note_place);
    run_with(RFLAGS_TF | RFLAGS_IF, run);
}

static void at_place(struct trap_frame *frame)
{
    if (!(frame->rflags & RFLAGS_IF)) {
        frame->rflags |= RFLAGS_RF;
        return;
    }
    set_breakpoint(0, 0);
    interrupt();
    interrupted = true;
}

// Calls both, and the second in the middle of the first.
static void interrupt_at(uint64_t place, void (*run)(void),
                         void (*handler)(void))
{
    interrupt   = handler;
    interrupted = false;
    exception_set_handler(EXC_DEBUG, at_place);
    set_breakpoint(place, DR7_0);
    run_with(RFLAGS_IF, run);
    set_breakpoint(0, 0);
    exception_set_handler(EXC_DEBUG, NULL);
}

static void program_allocates(void)
{
    of_program = kmalloc(SIZE);
}

static void program_allocates_large(void)
{
    of_program = kmalloc(LARGE);
}

static void program_grows(void)
{
    of_program = krealloc(of_program, LARGE);
}

static void program_frees(void)
{
    kfree(of_program);
    of_program = NULL;
}

static void program_trims(void)
{
    heap_trim();
}

static void interrupt_allocates(void)
{
    of_interrupt = kmalloc(SIZE);
    mark(of_interrupt, SIZE, 2);
}

static void interrupt_allocates_large(void)
{
    of_interrupt = kmalloc(LARGE);
    mark(of_interrupt, SIZE, 2);
}

static void interrupt_frees(void)
{
    kfree(of_interrupt);
    of_interrupt = NULL;
}

// All that is free, and then some: the frame in which the program has
// found a free block may have none.
static void interrupt_fills(void)
{
    of_interrupt = kmalloc(SIZE);
    for (int i = 0; i < 40; i++)
        own(SIZE);
    mark(of_interrupt, SIZE, 2);
}

static void interrupt_trims(void)
{
    heap_trim();
}

// What there is in the beginning.
enum start {
    EMPTY,  // nothing
    KEPT,   // a frame that is kept
    LAST,   // one block that is the last in its frame
    FULL,   // a full frame
};

struct case_of {
    void (*program)(void), (*interrupt)(void);
    enum start start;
    size_t of_program, of_interrupt;  // sizes of blocks, or 0
};

// Those with the same program and start are neighbors.
static const struct case_of cases[] = {
    {program_allocates, interrupt_allocates, EMPTY, 0, 0},
    {program_allocates, interrupt_fills, EMPTY, 0, 0},
    {program_allocates, interrupt_allocates, KEPT, 0, 0},
    {program_allocates, interrupt_fills, KEPT, 0, 0},
    {program_allocates, interrupt_trims, KEPT, 0, 0},
    {program_allocates, interrupt_allocates, LAST, 0, 0},
    {program_allocates, interrupt_allocates, FULL, 0, 0},
    {program_allocates, interrupt_fills, FULL, 0, 0},
    {program_frees, interrupt_allocates, FULL, SIZE, 0},
    {program_frees, interrupt_allocates, EMPTY, SIZE, 0},
    {program_frees, interrupt_trims, EMPTY, SIZE, 0},
    {program_frees, interrupt_frees, EMPTY, SIZE, SIZE},
    {program_trims, interrupt_allocates, KEPT, 0, 0},
    {program_trims, interrupt_frees, EMPTY, 0, SIZE},
    {program_allocates_large, interrupt_allocates_large, EMPTY, 0, 0},
    {program_allocates_large, interrupt_frees, EMPTY, 0, LARGE},
    {program_frees, interrupt_allocates_large, EMPTY, LARGE, 0},
    {program_frees, interrupt_frees, EMPTY, LARGE, LARGE},
    {program_grows, interrupt_allocates, FULL, SIZE, 0},
    {program_grows, interrupt_frees, FULL, SIZE, SIZE},
    {program_grows, interrupt_allocates_large, FULL, SIZE, 0},
};

// A debugging heap disables interrupts for all that it does, and that
// is much: some of these have to do.
enum {
    ALL   = sizeof(cases) / sizeof(cases[0]),
    CASES = HEAP_DEBUG ? 3 : ALL,
};

static void prepare(const struct case_of *c, size_t count)
{
    if (c->start == KEPT)
        kfree(kmalloc(SIZE));
    for (size_t i = 0; c->start == FULL && i < count; i++)
        own(SIZE);
    for (size_t i = 1; c->start == LAST && i < count; i++)
        own(SIZE);
    of_program   = c->of_program ? kmalloc(c->of_program) : NULL;
    of_interrupt = c->of_interrupt ? kmalloc(c->of_interrupt) : NULL;
}

// Blocks have nothing in common.
static void finish(void)
{
    if (of_program)
        mark(of_program, SIZE, 1);
    CHECK(!of_program || of_program != of_interrupt);
    CHECK(!of_interrupt || is_marked(of_interrupt, SIZE, 2));
    disown_all();
    kfree(of_program);
    kfree(of_interrupt);
}

static void find_places(const struct case_of *c, size_t count)
{
    prepare(c, count);
    note_places(c->program);
    disown_all();
    kfree(of_program);
    kfree(of_interrupt);
    CHECK(places_count > 5);
}

// No frame is lost.
static void try(const struct case_of *c, size_t count, uint64_t place)
{
    size_t free = frames_without_heap();

    prepare(c, count);
    if (of_interrupt)
        mark(of_interrupt, SIZE, 2);
    interrupt_at(place, c->program, c->interrupt);
    CHECK(interrupted);
    finish();
    CHECK_EQ(frames_without_heap(), free);
}

static bool begin_the_same(const struct case_of *a,
                           const struct case_of *b)
{
    return a->program == b->program && a->start == b->start &&
           a->of_program == b->of_program &&
           a->of_interrupt == b->of_interrupt;
}

TEST(an_interrupt_may_come_before_any_instruction)
{
    size_t count = layout_of(SIZE).count;

    quiet();
    for (int i = 0; i < 4; i++)  // their tables
        own(LARGE);
    disown_all();
    for (int i = 0; i < CASES; i++) {
        if (i == 0 || !begin_the_same(&cases[i - 1], &cases[i]))
            find_places(&cases[i], count);
        for (int place = 0; place < places_count; place++)
            try(&cases[i], count, places[place]);
    }
}

// Six blocks, and the first one is the interrupt's.
static void prepare_row(void **blocks)
{
    for (int i = 0; i < 6; i++)
        blocks[i] = kmalloc(LARGE);
    kfree(blocks[0]);
    blocks[0]    = kmalloc(LARGE);
    of_interrupt = blocks[0];
    of_program   = NULL;
}

static void free_row(void **blocks)
{
    kfree(of_program);
    kfree(of_interrupt);
    for (int i = 1; i < 6; i++)
        kfree(blocks[i]);
}

// While the program looks for a free place behind those that are taken,
// one before them is freed. A debugging heap is not interrupted there.
TEST(place_freed_by_an_interrupt_is_not_forgotten)
{
    void *blocks[6];

    quiet();
    prepare_row(blocks);
    places_count = 0;
    if (!HEAP_DEBUG)
        note_places(program_allocates_large);
    free_row(blocks);
    for (int i = 0; i < places_count; i++) {
        prepare_row(blocks);
        interrupt_at(places[i], program_allocates_large,
                     interrupt_frees);
        CHECK(interrupted);
        if (of_program != blocks[0]) {
            void *next = kmalloc(LARGE);

            CHECK_EQ(next, blocks[0]);
            kfree(next);
        }
        free_row(blocks);
    }
}

// Many interrupts

enum {
    COUNT      = 120,  // of the timer: 10,000 interrupts in a second
    INTERRUPTS = 2500,
    OWNERS     = 60,
    RARELY     = 8,
};

struct owner {
    void *block;
    size_t size;
    uint64_t tag;
};

// Of the program, and of the handler.
static struct {
    struct owner owners[OWNERS];
    uint64_t state;  // of what is drawn
} program, handler;

static volatile int interrupts;

static uint64_t drawn(uint64_t *state, uint64_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (*state >> 11) % below;
}

static size_t draw_size(uint64_t *state)
{
    switch (drawn(state, RARELY)) {
    case 0:
        return drawn(state, 12000);
    case 1:
        return drawn(state, 2000);
    default:
        return drawn(state, 120);
    }
}

static void operate(struct owner *owner, uint64_t *state)
{
    size_t size = draw_size(state);

    if (owner->block)
        CHECK(is_marked(owner->block, owner->size, owner->tag));
    if (owner->block && drawn(state, 4) > 0) {
        kfree(owner->block);
        owner->block = NULL;
        return;
    }
    owner->block = krealloc(owner->block, size);
    owner->size  = size;
    owner->tag   = drawn(state, UINT64_MAX);
    mark(owner->block, size, owner->tag);
}

static void free_all(struct owner *owners)
{
    for (int i = 0; i < OWNERS; i++) {
        if (!owners[i].block)
            continue;
        CHECK(
            is_marked(owners[i].block, owners[i].size, owners[i].tag));
        kfree(owners[i].block);
        owners[i].block = NULL;
    }
}

// The last one is the last even if the machine is so slow that the
// next always waits already.
static void handle(struct trap_frame *frame)
{
    (void)frame;
    if (++interrupts == INTERRUPTS)
        pic_mask(IRQ_TIMER);
    CHECK(!enabled());
    operate(&handler.owners[drawn(&handler.state, OWNERS)],
            &handler.state);
    if (drawn(&handler.state, 50) == 0)
        heap_trim();
    CHECK(!enabled());
}

static void weather(void)
{
    quiet();
    interrupts    = 0;
    program.state = 1234567;
    handler.state = 7654321;
    interrupt_set_handler(IRQ_TIMER, handle);
    start_pit(PERIODIC, COUNT);
    sti();
    while (interrupts < INTERRUPTS) {
        operate(&program.owners[drawn(&program.state, OWNERS)],
                &program.state);
        CHECK(enabled());
        if (drawn(&program.state, 1000) == 0)
            heap_trim();
    }
    quiet();
    free_all(program.owners);
    free_all(handler.owners);
}

// Where interrupts come is not the same each time, so that there are
// tables that may be missing the second time: one for each of the four
// orders.
TEST(blocks_are_right_in_a_storm)
{
    size_t free;

    weather();
    free = frames_without_heap();
    weather();
    CHECK(free - frames_without_heap() <= 4);
}

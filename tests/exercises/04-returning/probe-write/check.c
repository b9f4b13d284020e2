// check.c: what can be written is written, and what cannot is neither
// changed nor a reason to stop.

#include "03-exceptions/captured.h"

#include "03-exceptions/live.h"
#include "exceptions.h"
#include "probe.h"

enum { PAGE = 4096, CR0_WP = 1 << 16 };

#define VALUE 0x0123456789abcdef

extern const char stack_guard[], stack_bottom[];

static uint8_t pages[3 * PAGE] __attribute__((aligned(PAGE)));

static bool writes(uint64_t address)
{
    return probe_write((uint64_t *)address, VALUE);
}

static void start(void)
{
    uint64_t cr0;

    idt_init();
    asm volatile("mov %%cr0, %0" : "=r"(cr0));
    asm volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_WP));
    memset(pages, 0x55, sizeof(pages));
}

static void set_entry(uint8_t *page, uint64_t flags)
{
    uint64_t *entry = live_entry((uint64_t)page);

    *entry = (*entry & ~3ul) | flags;
    live_forget((uint64_t)page);
}

// Are all bytes as start has left them, but for the 8 of a word?
static bool untouched_but(const uint8_t *word)
{
    for (const uint8_t *byte = pages; byte < pages + sizeof(pages);
         byte++)
        if (*byte != 0x55 && (!word || byte < word || byte >= word + 8))
            return false;
    return true;
}

TEST(memory_is_written)
{
    uint64_t value;

    start();
    for (int i = 0; i < 8; i++) {
        uint8_t *word = &pages[PAGE - 4 + i];

        memset(pages, 0x55, sizeof(pages));
        CHECK(writes((uint64_t)word));
        memcpy(&value, word, sizeof(value));
        CHECK_EQ(value, VALUE);
        CHECK(untouched_but(word));
    }
}

TEST(holes_are_not_written)
{
    start();
    CHECK(!writes(0));
    CHECK(!writes(8));
    CHECK(!writes(4095 - 7));
    CHECK(!writes((uint64_t)stack_guard));
    CHECK(!writes((uint64_t)stack_bottom - 8));
}

TEST(no_address_does_harm)
{
    start();
    CHECK(!writes(0x7fffffffffff));
    CHECK(!writes(0x7ffffffffffc));
    CHECK(!writes(0x800000000000));
    CHECK(!writes(0xffff7fffffffffff));
    CHECK(!writes(-1ul));
    CHECK(!writes(-7ul));
    for (int bit = 47; bit < 64; bit++)
        CHECK(!writes(1ul << bit));
}

static void check_middle_page(uint64_t flags)
{
    bool wrote[3];

    start();
    set_entry(pages + PAGE, flags);
    wrote[0] = writes((uint64_t)pages + PAGE);
    wrote[1] = writes((uint64_t)pages + PAGE - 3);
    wrote[2] = writes((uint64_t)pages + 2 * PAGE - 3);
    set_entry(pages + PAGE, LIVE_PRESENT | LIVE_WRITABLE);
    for (int i = 0; i < 3; i++)
        CHECK(!wrote[i]);
    CHECK(untouched_but(NULL));
}

TEST(missing_page_is_not_written)
{
    check_middle_page(0);
}

TEST(read_only_page_is_not_written)
{
    check_middle_page(LIVE_PRESENT);
}

TEST(probe_read_is_as_before)
{
    const uint64_t word = VALUE;
    uint64_t value      = 0;

    start();
    CHECK(probe_read(&word, &value));
    CHECK_EQ(value, VALUE);
    CHECK(!probe_read(NULL, &value));
    CHECK(!probe_read(stack_guard, &value));
    CHECK(!probe_read((const void *)(1ul << 63), &value));
}

static void write_null(void)
{
    asm volatile("movb $1, (%0)" : : "r"(NULL) : "memory");
}

TEST(other_writes_are_reported)
{
    CHECK_BEGINS(captured_report(write_null),
                 "\n#PF page fault, vector 14\n");
}

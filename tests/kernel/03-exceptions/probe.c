// probe.c: what can be read is read, and what cannot does no harm.

#include "captured.h"

#include "live.h"
#include "probe.h"

extern const char stack_guard[], stack_bottom[];

static uint8_t page[3 * 4096] __attribute__((aligned(4096)));

static bool readable(uint64_t address)
{
    const uint64_t untouched = 0x1122334455667788;
    uint64_t value           = untouched;
    bool read = probe_read((const void *)address, &value);

    CHECK(read || value == untouched);
    return read;
}

TEST(values_are_read)
{
    const uint64_t word = 0x0123456789abcdef;
    uint64_t value      = 0;

    captured_start();
    CHECK(probe_read(&word, &value));
    CHECK_EQ(value, word);
    for (unsigned i = 0; i < 16; i++)
        page[i] = i;
    CHECK(probe_read(&page[3], &value));
    CHECK_EQ(value, 0x0a09080706050403);
}

TEST(holes_are_not_read)
{
    captured_start();
    CHECK(!readable(0));
    CHECK(!readable(8));
    CHECK(!readable(4095));
    CHECK(!readable((uint64_t)stack_guard));
    CHECK(readable((uint64_t)stack_bottom));
}

TEST(edges_of_a_hole_are_not_read)
{
    captured_start();
    CHECK(readable((uint64_t)stack_guard - 8));
    for (int i = 1; i < 8; i++) {
        CHECK(!readable((uint64_t)stack_guard - i));
        CHECK(!readable((uint64_t)stack_bottom - i));
    }
}

TEST(no_address_does_harm)
{
    captured_start();
    CHECK(!readable(0x7fffffffffff));  // the last of the lower half
    CHECK(!readable(0x7ffffffffffc));  // out of it, by half
    CHECK(!readable(0x800000000000));  // not canonical
    CHECK(!readable(0xffff7fffffffffff));
    CHECK(!readable(1ul << 63));
    CHECK(!readable(-1ul));  // wraps to 0
    CHECK(!readable(-7ul));
    for (int bit = 47; bit < 64; bit++)
        CHECK(!readable(1ul << bit));
}

TEST(page_that_goes_is_missed)
{
    uint64_t *entry = live_entry((uint64_t)page + 4096);

    captured_start();
    CHECK(readable((uint64_t)page + 4096));
    *entry &= ~(uint64_t)LIVE_PRESENT;
    live_forget((uint64_t)page + 4096);
    CHECK(!readable((uint64_t)page + 4096));
    CHECK(!readable((uint64_t)page + 4089));
    CHECK(readable((uint64_t)page + 4088));
    CHECK(readable((uint64_t)page + 8192));
    *entry |= LIVE_PRESENT;
    CHECK(readable((uint64_t)page + 4096));
}

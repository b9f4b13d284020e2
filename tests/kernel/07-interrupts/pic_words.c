// pic_words.c: what the interrupt controllers are told, word by word.
// QEMU's do not mind how they are wired.

#include "ktap.h"

#include "cpu.h"
#include "panic.h"

enum { MOST = 32, DELAY = 0x80 };

static struct {
    uint16_t port;
    uint8_t word;
} told[MOST];

static int words;

static void our_outb(uint16_t port, uint8_t word)
{
    if (CHECK(words < MOST)) {
        told[words].port   = port;
        told[words++].word = word;
    }
}

static uint8_t in_service;  // of either controller

static uint8_t our_inb(uint16_t port)
{
    CHECK(words > 0 && told[words - 1].port == port);
    CHECK_EQ(told[words - 1].word, 0x0b);
    return in_service;
}

#define inb                  our_inb
#define outb                 our_outb
#define pic_init             our_pic_init
#define pic_mask             our_pic_mask
#define pic_unmask           our_pic_unmask
#define pic_is_spurious      our_pic_is_spurious
#define pic_end_of_interrupt our_pic_end_of_interrupt
#include <pic.c>
#undef inb
#undef outb

// The words to a port, in their order, as a number: 0x11220104.
static uint64_t words_to(uint16_t port)
{
    uint64_t all = 0;

    for (int i = 0; i < words; i++)
        if (told[i].port == port)
            all = all << 8 | told[i].word;
    return all;
}

// Intel 8259A data sheet, "Initialization Command Words". The mask is
// the fourth word to the data port.
TEST(both_are_initialized)
{
    words = 0;
    our_pic_init(32);
    CHECK_EQ(words_to(0x20), 0x11);
    CHECK_EQ(words_to(0x21), 0x200401fb);
    CHECK_EQ(words_to(0xa0), 0x11);
    CHECK_EQ(words_to(0xa1), 0x280201ff);
}

TEST(first_vector_can_be_another)
{
    words = 0;
    our_pic_init(0xf0);
    CHECK_EQ(words_to(0x21), 0xf00401fb);
    CHECK_EQ(words_to(0xa1), 0xf80201ff);
}

TEST(command_word_comes_first)
{
    bool first = false, second = false;

    words = 0;
    our_pic_init(32);
    for (int i = 0; i < words; i++) {
        first |= told[i].port == 0x20;
        second |= told[i].port == 0xa0;
        CHECK(told[i].port != 0x21 || first);
        CHECK(told[i].port != 0xa1 || second);
    }
}

// The next word to a controller comes a port access later, at least.
TEST(controllers_have_time_to_initialize)
{
    words = 0;
    our_pic_init(32);
    for (int i = 0; i < 16; i++)
        CHECK_EQ(told[i].port == DELAY, i % 2);
}

TEST(end_of_interrupt_is_told_to_whom_it_concerns)
{
    words = 0;
    our_pic_end_of_interrupt(5);
    CHECK_EQ(words, 1);
    CHECK_EQ(words_to(0x20), 0x65);
    our_pic_end_of_interrupt(13);
    CHECK_EQ(words, 3);
    CHECK_EQ(words_to(0x20), 0x6562);
    CHECK_EQ(words_to(0xa0), 0x65);
}

// The question which lines are in service, and no end of interrupt but
// that of line 2.
TEST(spurious_interrupt_has_no_end)
{
    in_service = 0x7f;
    words      = 0;
    CHECK(our_pic_is_spurious(7));
    CHECK_EQ(words, 1);
    CHECK_EQ(words_to(0x20), 0x0b);
    words = 0;
    CHECK(our_pic_is_spurious(15));
    CHECK_EQ(words, 2);
    CHECK_EQ(words_to(0xa0), 0x0b);
    CHECK_EQ(words_to(0x20), 0x62);
}

TEST(real_interrupt_is_only_asked_about)
{
    in_service = 0x80;
    words      = 0;
    CHECK(!our_pic_is_spurious(7));
    CHECK(!our_pic_is_spurious(15));
    CHECK_EQ(words_to(0x20), 0x0b);
    CHECK_EQ(words_to(0xa0), 0x0b);
}

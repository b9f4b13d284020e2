// pic.c: the interrupt controllers by themselves. Interrupts stay
// disabled; what the CPU would take is taken by hand.

#include "lines.h"

enum { ALL_BUT_CASCADE = 0xfffb };

// A line is in service, as if the CPU were in its handler.
static void serve(int line)
{
    pic_unmask(line);
    raise_line(line);
    lower_line();
    if (line >= 8) {
        CHECK_EQ(acknowledge(PIC1), 0x80 | CASCADE_LINE);
        CHECK_EQ(acknowledge(PIC2), 0x80 | (line - 8));
    } else {
        CHECK_EQ(acknowledge(PIC1), 0x80 | line);
    }
}

static uint16_t served(int line)
{
    return 1 << line | (line >= 8 ? 1 << CASCADE_LINE : 0);
}

TEST(all_lines_are_masked_at_first)
{
    outb(PIC1 + 1, 0);
    outb(PIC2 + 1, 0);
    quiet();
    CHECK_EQ(masked_lines(), ALL_BUT_CASCADE);
    CHECK_EQ(in_service(), 0);
}

TEST(init_masks_what_was_unmasked)
{
    quiet();
    for (int line = 0; line < PIC_LINES; line++)
        pic_unmask(line);
    pic_init(IRQ_VECTOR);
    CHECK_EQ(masked_lines(), ALL_BUT_CASCADE);
    pic_unmask(3);
    CHECK_EQ(masked_lines(), ALL_BUT_CASCADE & ~(1 << 3));
}

TEST(each_line_has_a_mask_of_its_own)
{
    for (int line = 0; line < PIC_LINES; line++) {
        if (!is_raisable(line))
            continue;
        quiet();
        pic_unmask(line);
        CHECK_EQ(masked_lines(), ALL_BUT_CASCADE & ~(1 << line));
        pic_mask(line);
        CHECK_EQ(masked_lines(), ALL_BUT_CASCADE);
    }
}

TEST(masks_add_up)
{
    uint16_t expected = ALL_BUT_CASCADE;

    quiet();
    for (int line = PIC_LINES - 1; line >= 0; line--) {
        pic_unmask(line);
        expected &= ~(1 << line);
        CHECK_EQ(masked_lines(), expected);
    }
    for (int line = 0; line < PIC_LINES; line += 3) {
        pic_mask(line);
        pic_mask(line);
        expected |= 1 << line;
        CHECK_EQ(masked_lines(), expected);
    }
}

TEST(masked_request_waits)
{
    for (int line = 0; line < PIC_LINES; line++) {
        if (!is_raisable(line))
            continue;
        quiet();
        raise_line(line);
        CHECK_EQ(acknowledge(PIC2), 0);
        CHECK_EQ(acknowledge(PIC1), 0);
        pic_unmask(line);
        CHECK_EQ(acknowledge(PIC1),
                 line < 8 ? 0x80 | line : 0x80 | CASCADE_LINE);
    }
}

TEST(end_of_interrupt_ends_it)
{
    for (int line = 0; line < PIC_LINES; line++) {
        if (!is_raisable(line))
            continue;
        quiet();
        serve(line);
        CHECK_EQ(in_service(), served(line));
        pic_end_of_interrupt(line);
        CHECK_EQ(in_service(), 0);
    }
}

// Of three in service it is not the one of the highest priority.
TEST(end_of_interrupt_is_specific)
{
    quiet();
    serve(6);
    serve(14);
    pic_unmask(9);
    raise_line(9);
    CHECK_EQ(acknowledge(PIC2), 0x81);
    serve(1);
    CHECK_EQ(in_service(), 0x4246);
    pic_end_of_interrupt(6);
    CHECK_EQ(in_service(), 0x4206);
    pic_end_of_interrupt(14);
    CHECK_EQ(in_service(), 0x0202);
    pic_end_of_interrupt(1);
    CHECK_EQ(in_service(), 0x0200);
    pic_end_of_interrupt(9);
    CHECK_EQ(in_service(), 0);
}

TEST(lower_priority_waits_for_the_end)
{
    quiet();
    serve(3);
    pic_unmask(5);
    raise_line(5);
    CHECK_EQ(acknowledge(PIC1), 0);
    pic_end_of_interrupt(3);
    CHECK_EQ(acknowledge(PIC1), 0x85);
    pic_end_of_interrupt(5);
}

TEST(only_the_last_lines_can_be_spurious)
{
    quiet();
    for (int line = 0; line < PIC_LINES; line++)
        if (line % 8 != 7)
            CHECK(!pic_is_spurious(line));
}

TEST(line_in_service_is_not_spurious)
{
    for (int line = 7; line < PIC_LINES; line += 8) {
        quiet();
        serve(line);
        CHECK(!pic_is_spurious(line));
        CHECK_EQ(in_service(), served(line));
        pic_end_of_interrupt(line);
        CHECK(pic_is_spurious(line));
    }
}

// A request of the same line, behind a mask, is none in service.
TEST(line_with_a_new_request_can_be_spurious)
{
    quiet();
    raise_line(7);
    CHECK(pic_is_spurious(7));
    lower_line();
    raise_line(15);
    CHECK(pic_is_spurious(15));
}

TEST(spurious_7_ends_nothing)
{
    quiet();
    serve(10);
    serve(1);
    CHECK_EQ(in_service(), 0x0406);
    CHECK(pic_is_spurious(7));
    CHECK_EQ(in_service(), 0x0406);
}

// Line 2 of the first controller had a request, and nobody else knows.
TEST(spurious_15_ends_line_2)
{
    quiet();
    serve(6);
    serve(10);
    CHECK_EQ(in_service(), 0x0444);
    CHECK(pic_is_spurious(15));
    CHECK_EQ(in_service(), 0x0440);
    pic_end_of_interrupt(6);
    pic_end_of_interrupt(10);
    CHECK_EQ(in_service(), 0);
}

// In service on one controller says nothing of the other one.
TEST(spurious_lines_are_told_apart)
{
    quiet();
    serve(7);
    CHECK(pic_is_spurious(15));
    CHECK(!pic_is_spurious(7));
    pic_end_of_interrupt(7);
    serve(15);
    CHECK(pic_is_spurious(7));
    CHECK(!pic_is_spurious(15));
    pic_end_of_interrupt(15);
}

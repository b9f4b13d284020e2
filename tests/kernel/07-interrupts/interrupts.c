// interrupts.c: from a raised line to its handler and back.

#include "lines.h"

#include "03-exceptions/captured.h"

static struct trap_frame seen;
static volatile int calls;
static uint16_t served;  // in service, while the handler ran
static bool enabled;     // the same for interrupts

static void note(struct trap_frame *frame)
{
    seen    = *frame;
    served  = in_service();
    enabled = read_rflags() & RFLAGS_IF;
    calls++;
}

// The timer raises its line for the last time, so that only tests do.
static void stop_timer(void)
{
    start_pit(ONE_SHOT, 0);  // 65536: none comes meanwhile
    quiet();
    start_pit(ONE_SHOT, 1);
    while ((requested() & 1) == 0)
        ;
    quiet();
}

static void raise_and_take(int line)
{
    raise_line(line);
    take_interrupts();
    lower_line();
}

TEST(nothing_is_heard_at_first)
{
    stop_timer();
    for (int line = 0; line < IRQS; line++) {
        uint64_t count = interrupt_count(line);

        if (!is_raisable(line))
            continue;
        raise_and_take(line);
        CHECK_EQ(interrupt_count(line), count);
    }
}

TEST(each_line_has_its_vector_and_handler)
{
    stop_timer();
    for (int line = 0; line < IRQS; line++) {
        if (!is_raisable(line))
            continue;
        quiet();
        calls = 0;
        interrupt_set_handler(line, note);
        raise_and_take(line);
        CHECK_EQ(calls, 1);
        CHECK_EQ(seen.vector, 32 + line);
        CHECK(seen.rflags & RFLAGS_IF);
        CHECK(!enabled);
        CHECK_EQ(in_service(), 0);
    }
}

TEST(handler_runs_before_the_end_of_interrupt)
{
    stop_timer();
    for (int line = 0; line < IRQS; line++) {
        if (!is_raisable(line))
            continue;
        quiet();
        interrupt_set_handler(line, note);
        raise_and_take(line);
        CHECK_EQ(served,
                 1 << line | (line >= 8 ? 1 << CASCADE_LINE : 0));
    }
}

TEST(lines_come_again)
{
    stop_timer();
    for (int line = 0; line < IRQS; line++) {
        uint64_t count = interrupt_count(line);

        if (!is_raisable(line))
            continue;
        quiet();
        calls = 0;
        interrupt_set_handler(line, note);
        for (int i = 0; i < 10; i++)
            raise_and_take(line);
        CHECK_EQ(calls, 10);
        CHECK_EQ(interrupt_count(line), count + 10);
    }
}

TEST(only_the_line_with_a_handler_is_heard)
{
    for (int line = 0; line < IRQS; line++) {
        quiet();
        interrupt_set_handler(line, note);
        CHECK_EQ(masked_lines(), 0xfffb & ~(1 << line));
    }
}

TEST(request_made_earlier_comes_with_the_handler)
{
    quiet();
    calls = 0;
    raise_line(11);
    take_interrupts();
    CHECK_EQ(calls, 0);
    interrupt_set_handler(11, note);
    take_interrupts();
    CHECK_EQ(calls, 1);
    lower_line();
}

TEST(masked_line_waits)
{
    quiet();
    calls = 0;
    interrupt_set_handler(10, note);
    pic_mask(10);
    raise_and_take(10);
    CHECK_EQ(calls, 0);
    pic_unmask(10);
    take_interrupts();
    CHECK_EQ(calls, 1);
}

// While a handler runs, its device raises the line again.
static void raise_again(struct trap_frame *frame)
{
    note(frame);
    if (calls == 1)
        raise_line(seen.vector - IRQ_VECTOR);
}

TEST(request_made_while_it_is_handled_comes_next)
{
    for (int line = 3; line < IRQS; line += 9) {
        quiet();
        calls = 0;
        interrupt_set_handler(line, raise_again);
        raise_and_take(line);
        CHECK_EQ(calls, 2);
        CHECK_EQ(in_service(), 0);
    }
}

TEST(handler_can_be_changed)
{
    quiet();
    calls = 0;
    interrupt_set_handler(5, raise_again);
    interrupt_set_handler(5, note);
    raise_and_take(5);
    CHECK_EQ(calls, 1);
}

static void int_37(void)
{
    asm volatile("int $37");
}

TEST(line_without_a_handler_is_reported)
{
    quiet();
    interrupt_set_handler(5, NULL);
    CHECK_BEGINS(captured_report(int_37),
                 "\nunexpected interrupt, vector 37\n");
    quiet();
}

// Spurious interrupts

static void int_39(void)
{
    asm volatile("int $39");
}

static void int_47(void)
{
    asm volatile("int $47");
}

static void check_spurious(int line, void (*raise)(void))
{
    uint64_t count    = interrupt_count(line);
    uint64_t spurious = interrupts_spurious();

    quiet();
    calls = 0;
    interrupt_set_handler(line, note);
    raise();
    CHECK_EQ(calls, 0);
    CHECK_EQ(interrupt_count(line), count);
    CHECK_EQ(interrupts_spurious(), spurious + 1);
    raise_and_take(line);
    CHECK_EQ(calls, 1);
    CHECK_EQ(interrupt_count(line), count + 1);
    CHECK_EQ(interrupts_spurious(), spurious + 1);
    CHECK_EQ(in_service(), 0);
}

TEST(spurious_is_counted_and_not_handled)
{
    check_spurious(7, int_39);
    check_spurious(15, int_47);
}

TEST(spurious_needs_no_handler)
{
    quiet();
    interrupt_set_handler(7, NULL);
    interrupt_set_handler(15, NULL);
    CHECK(captured_report(int_39) == NULL);
    CHECK(captured_report(int_47) == NULL);
    quiet();
}

// A real one: the second controller's request goes away when the first
// has been told of it already.
static void withdraw_line_12(void)
{
    interrupt_set_handler(12, note);
    raise_line(12);
    pic_mask(12);
    lower_line();
    take_interrupts();
}

TEST(withdrawn_request_is_spurious)
{
    check_spurious(15, withdraw_line_12);
    CHECK_EQ(masked_lines() & 1 << 12, 1 << 12);
}

TEST(line_works_after_a_spurious_interrupt)
{
    quiet();
    withdraw_line_12();
    calls = 0;
    interrupt_set_handler(12, note);
    raise_and_take(12);
    CHECK(calls > 0);
    CHECK_EQ(seen.vector, IRQ_VECTOR + 12);
    CHECK_EQ(in_service(), 0);
}

// An int is no interrupt: it must not end one that is in service.
static void raise_spurious_7(struct trap_frame *frame)
{
    int_39();
    note(frame);
}

TEST(spurious_ends_nothing)
{
    quiet();
    interrupt_set_handler(7, note);
    interrupt_set_handler(4, raise_spurious_7);
    raise_and_take(4);
    CHECK_EQ(served, 1 << 4);
    CHECK_EQ(in_service(), 0);
}

// Flags

static bool are_enabled(void)
{
    return read_rflags() & RFLAGS_IF;
}

TEST(disabling_nests)
{
    uint64_t outer, inner;

    quiet();
    sti();
    outer = interrupts_disable();
    CHECK(!are_enabled());
    inner = interrupts_disable();
    CHECK(!are_enabled());
    interrupts_restore(inner);
    CHECK(!are_enabled());
    interrupts_restore(outer);
    CHECK(are_enabled());
    cli();
}

TEST(disabled_stay_disabled)
{
    uint64_t flags;

    quiet();
    flags = interrupts_disable();
    CHECK(!are_enabled());
    interrupts_restore(flags);
    CHECK(!are_enabled());
}

TEST(setting_a_handler_leaves_the_flag_alone)
{
    quiet();
    interrupt_set_handler(9, note);
    CHECK(!are_enabled());
    sti();
    interrupt_set_handler(9, note);
    CHECK(are_enabled());
    cli();
}

TEST(waiting_ends_with_interrupts_disabled)
{
    quiet();
    calls = 0;
    interrupt_set_handler(9, note);
    raise_line(9);
    interrupts_wait();
    CHECK(!are_enabled());
    CHECK_EQ(calls, 1);
    lower_line();
}

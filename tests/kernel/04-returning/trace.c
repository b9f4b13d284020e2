// trace.c: the kernel watches itself, as long as it is told to.

#include "03-exceptions/captured.h"

#include "cpu.h"
#include "exceptions.h"
#include "printf.h"
#include "symbols.h"
#include "trace.h"

void three_steps(void);

asm(".pushsection .text\n"
    "three_steps:\n"
    "nop\n"
    "nop\n"
    "ret\n"
    ".popsection\n");

static int lines(void)
{
    int count = 0;

    for (size_t i = 0; i < captured.length; i++)
        count += captured.text[i] == '\n';
    return count;
}

TEST(so_many_instructions_are_traced)
{
    for (int n = 1; n <= 30; n++) {
        captured_start();
        trace(n);
        for (int i = 0; i < 30; i++)
            three_steps();
        CHECK_EQ(lines(), n);
        CHECK_EQ(read_rflags() & RFLAGS_TF, 0);
    }
}

TEST(each_instruction_has_its_place)
{
    uint64_t place = (uint64_t)three_steps;
    char text[120];

    captured_start();
    trace(40);
    three_steps();
    for (int i = 0; i < 30; i++)
        three_steps();
    snprintf(text, sizeof(text),
             "  %016lx three_steps+0x0\n"
             "  %016lx three_steps+0x1\n"
             "  %016lx three_steps+0x2\n",
             place, place + 1, place + 2);
    CHECK(contains(captured.text, text));
    CHECK(contains(captured.text, " trace+0x"));
}

static void quiet(struct trap_frame *frame)
{
    CHECK(frame->rflags & RFLAGS_TF);
    CHECK_EQ(read_rflags() & RFLAGS_TF, 0);
}

// The CPU clears the flag on the way to a handler; iretq restores it.
TEST(handlers_are_not_traced)
{
    captured_start();
    exception_set_handler(EXC_BREAKPOINT, quiet);
    trace(40);
    breakpoint();
    for (int i = 0; i < 30; i++)
        three_steps();
    exception_set_handler(EXC_BREAKPOINT, NULL);
    CHECK_EQ(lines(), 40);
    CHECK(!contains(captured.text, " quiet+"));
    CHECK(!contains(captured.text, " isr_common+"));
}

static void trap_once(void)
{
    write_rflags(read_rflags() | RFLAGS_TF);
    asm volatile("nop");
}

TEST(traps_of_others_are_reported)
{
    captured_start();
    trace(1);
    three_steps();
    CHECK_BEGINS(captured_report(trap_once), "\n#DB debug, vector 1\n");
}

// nested.c: an exception in the middle of a report, and another in the
// middle of that. One test: the first report never comes to its end.

#include "captured.h"

#include "exceptions.h"
#include "printf.h"

static const char *const trigger[] = {"code ", "while reporting"};
static unsigned triggered;

static void failing_putc(char c)
{
    (void)c;
    if (triggered < 2 && captured_ends(trigger[triggered])) {
        triggered++;
        asm volatile("ud2");
    }
}

static void raise(void)
{
    asm volatile("int3");
}

TEST(each_report_is_shorter)
{
    char text[80];

    captured_start();
    console_add_sink(failing_putc);
    CHECK_BEGINS(captured_report(raise),
                 "\n#BP breakpoint, vector 3\n");
    CHECK_EQ(triggered, 2);
    snprintf(text, sizeof(text), "\ncode \n%s at ",
             exception_name(EXC_INVALID_OPCODE));
    CHECK(contains(captured.text, text));
    CHECK(contains(captured.text, ", while reporting" END));
    CHECK(fits_screen(captured.text));
}

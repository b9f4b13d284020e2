// no_frame.c: a report without anything to report on.

#include "../../panics/open.h"

#include "exceptions.h"
#include "idt.h"
#include "report.h"

TEST(reports)
{
    open_console();
    idt_init();
    report_exception(NULL);
}

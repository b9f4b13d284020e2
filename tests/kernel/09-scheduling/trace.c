// trace.c: what is traced is a thread, and not whoever runs after it.

#include "turns.h"

#include "03-exceptions/captured.h"

#include "trace.h"

// More than a thread executes before it gives way.
enum { MANY = 9999 };

static bool is_traced(void)
{
    return read_rflags() & RFLAGS_TF;
}

static void note_trap_flag(void *unused)
{
    (void)unused;
    note(is_traced() ? 'T' : '-');
}

static __attribute__((noinline)) void pass_time(void)
{
    for (volatile int i = 0; i < 200; i++)
        ;
}

static void trap_once(void)
{
    write_rflags(read_rflags() | RFLAGS_TF);
    asm volatile("nop");
}

// A trap that comes later is none of the trace.
TEST(trace_ends_where_its_thread_gives_way)
{
    struct thread *thread;

    start();
    captured_start();
    thread = make("other", PRIORITY_NORMAL, note_trap_flag, NULL);
    trace(MANY);
    thread_yield();
    CHECK(!is_traced());
    CHECK_NOTES("-");
    CHECK(contains(captured.text, " thread_yield+0x"));
    CHECK_BEGINS(captured_report(trap_once), "\n#DB debug, vector 1\n");
    sti();
    thread_join(thread);
    quiet();
}

static int lines(void)
{
    int count = 0;

    for (size_t i = 0; i < captured.length; i++)
        count += captured.text[i] == '\n';
    return count;
}

TEST(trace_goes_on_when_its_thread_does)
{
    struct thread *thread;

    start();
    captured_start();
    thread = make("other", PRIORITY_NORMAL, note_trap_flag, NULL);
    trace(60);
    tick();
    CHECK_NOTES("-");
    pass_time();
    CHECK_EQ(lines(), 60);
    CHECK(!contains(captured.text, " note_trap_flag+0x"));
    CHECK(!is_traced());
    thread_join(thread);
    quiet();
}

static void report_trap(void *unused)
{
    (void)unused;
    CHECK_BEGINS(captured_report(trap_once), "\n#DB debug, vector 1, ");
    sti();
}

// Also when a trace has been made before, of whatever thread.
TEST(trap_of_another_thread_is_reported)
{
    start();
    captured_start();
    trace(3);
    pass_time();
    thread_join(make("traps", PRIORITY_HIGH, report_trap, NULL));
    quiet();
}

// check.c: reads the time from a timer and an interrupt controller of
// our own, on which all can happen between any two instructions.

#include "../stepped.h"

#include "idt.h"
#include "interrupts.h"
#include "pic.h"
#include "printf.h"
#include "timer.h"

enum {
    CLOCK = 1193182,  // Hz
    TICK  = (CLOCK + TIMER_HZ / 2) / TIMER_HZ,

    // Our time is finer than the counter: so much of it is one count,
    // and so long take an instruction and an access to a port.
    COUNT       = 16,
    INSTRUCTION = 1,
    PORT        = 17,

    TOLERANCE  = 3,  // microseconds
    MANY_STEPS = 5000,
    NEVER      = -1,
};

void exception_dispatch(struct trap_frame *frame);

// The 8254's channel 0 and the first 8259A, as far as they are read.
static struct {
    uint64_t now;         // since the counter was started
    uint64_t late;        // from the new start to the request
    uint64_t served;      // ticks that the kernel has had
    bool shows_requests;  // the controller, when it is read
    uint16_t latched;
    int left;  // bytes of it to be read
    bool second;
    bool may_enable;  // interrupts: they were enabled before
    int steps;
    int moments;        // when a pause makes a difference
    int pause_at;       // this moment
    uint64_t pause;     // so long
    const char *wrong;  // the first thing that was
    bool hopeless;      // it did not come back
} machine;

static void complain(const char *what)
{
    if (!machine.wrong)
        machine.wrong = what;
}

// From TICK down to 1.
static uint16_t counter(void)
{
    return TICK - machine.now / COUNT % TICK;
}

static bool is_requested(void)
{
    uint64_t ticks =
        machine.now < machine.late
            ? 0
            : (machine.now - machine.late) / ((uint64_t)TICK * COUNT);

    return ticks > machine.served;
}

// The keyboard wants something too, which nobody has to care about. No
// line is in service.
static uint8_t controller(void)
{
    if (!machine.shows_requests)
        return 0;
    return 1 << IRQ_KEYBOARD | is_requested() << IRQ_TIMER;
}

// Two bytes of the latched count, or else of the one that runs.
static uint8_t count_byte(void)
{
    uint16_t count = machine.left > 0 ? machine.latched : counter();
    bool second    = machine.second;

    machine.second = !machine.second;
    if (machine.left > 0)
        machine.left--;
    return second ? count >> 8 : count & 0xff;
}

static uint8_t in(uint16_t port)
{
    machine.now += PORT;
    switch (port) {
    case 0x20:
        return controller();
    case 0xa0:
        return 0;
    case 0x40:
        return count_byte();
    }
    complain("a port is read that tells nothing of the time");
    return 0xff;
}

static void command(uint8_t value)
{
    bool latch = value == 0x00 || value == 0xd2;

    if (!latch)
        complain("port 0x43 gets more than to latch channel 0");
    else if (machine.left == 0) {
        machine.latched = counter();
        machine.left    = 2;
        machine.second  = false;
    }
}

static void out(uint16_t port, uint8_t value)
{
    machine.now += PORT;
    switch (port) {
    case 0x43:
        command(value);
        break;
    case 0x20:
    case 0xa0:
        if (value != 0x0a && value != 0x0b)
            complain("a controller is told more than what to show");
        else if (port == 0x20)
            machine.shows_requests = value == 0x0a;
        break;
    case 0x80:
        break;
    default:
        complain("a port is written that tells nothing of the time");
    }
}

// The kernel's own handler counts the tick.
static void tick(void)
{
    machine.served++;
    machine.shows_requests = false;
    exception_dispatch(&(struct trap_frame){.vector = IRQ_VECTOR});
}

// The time is noticed by an access to a device, or by an interrupt.
static bool step(struct trap_frame *frame)
{
    bool enabled = frame->rflags & RFLAGS_IF;

    if ((enabled || stepped_is_device(frame)) &&
        machine.moments++ == machine.pause_at)
        machine.now += machine.pause;
    machine.now += INSTRUCTION;
    if (enabled && !machine.may_enable)
        complain("interrupts are enabled meanwhile, and were disabled");
    if (enabled && is_requested())
        tick();
    if (++machine.steps < MANY_STEPS)
        return true;
    complain("timer_microseconds does not come to its end");
    return false;
}

static uint64_t ask(void *nothing)
{
    (void)nothing;
    return timer_microseconds();
}

// The line is masked: ticks are ours to give.
static void begin(void)
{
    static bool ready;

    if (!ready) {
        idt_init();
        interrupts_init();
        timer_init();
        pic_mask(IRQ_TIMER);
        machine.now = 5 * COUNT;
    }
    ready            = true;
    machine.late     = 0;
    machine.pause_at = NEVER;
    machine.wrong    = NULL;
    stepped.step     = step;
    stepped.in       = in;
    stepped.out      = out;
}

static uint64_t microseconds(uint64_t time)
{
    return time / COUNT * 1000000 / CLOCK;
}

static void fail(const char *what)
{
    ktap_check(false, "timer_microseconds", machine.steps, what);
}

// Of a request that is late nobody can know.
static void check_range(uint64_t told, uint64_t start, unsigned count)
{
    uint64_t end = microseconds(machine.now);
    char text[160];

    if (machine.late > 0)
        start = 0;
    if (told + TOLERANCE >= start && told <= end + TOLERANCE)
        return;
    snprintf(text, sizeof(text),
             "%lu instead of %lu to %lu: the counter went from %u to "
             "%u, the tick is %s",
             told, start, end, count, counter(),
             is_requested() ? "requested only" : "counted");
    fail(text);
}

static void check_order(uint64_t told)
{
    static uint64_t last;
    char text[100];

    snprintf(text, sizeof(text),
             "back from %lu to %lu: the tick is %s, at %lu counts",
             last, told, is_requested() ? "requested only" : "counted",
             machine.now / COUNT % TICK);
    if (told < last)
        fail(text);
    last = told;
}

// Asks for the time: it has to be that of a moment between the call and
// the return.
static uint64_t check_time(bool enabled)
{
    uint64_t start = microseconds(machine.now), told = 0;
    unsigned count = counter();

    if (machine.hopeless) {
        fail("not tried, it did not come to its end before");
        return 0;
    }
    machine.steps      = 0;
    machine.moments    = 0;
    machine.left       = 0;
    machine.second     = false;
    machine.may_enable = enabled;
    if (enabled)
        sti();
    if (!stepped_run(ask, NULL, &told))
        machine.hopeless = true;
    else if ((interrupts_disable() & RFLAGS_IF) != enabled * RFLAGS_IF)
        complain("interrupts are enabled before and not afterwards, or "
                 "the other way round");
    if (machine.wrong)
        fail(machine.wrong);
    machine.wrong = NULL;
    check_range(told, start, count);
    check_order(told);
    return told;
}

// Gives the ticks that are due, as time passes.
static void go_to(uint64_t time)
{
    while (is_requested())
        tick();
    while (machine.now < time) {
        uint64_t next = (machine.served + 1) * TICK * COUNT;

        if (time < next) {
            machine.now = time;
        } else {
            machine.now = next + machine.late;
            tick();
        }
    }
}

// So many counts before the next new start of the counter.
static void go_before(int counts)
{
    uint64_t tick = (uint64_t)TICK * COUNT;
    uint64_t next = (machine.now / tick + 2) * tick;

    go_to(next - (uint64_t)counts * COUNT);
}

TEST(time_within_a_tick)
{
    begin();
    for (int counts = TICK - 2; counts > 100; counts -= 997) {
        go_before(counts);
        check_time(false);
        check_time(true);
    }
}

TEST(time_is_that_of_the_ticks)
{
    begin();
    go_before(TICK - 20);
    CHECK(check_time(false) / 1000 - timer_uptime() <= 1);
}

// Interrupts are disabled right before the new start, and stay so for
// nearly a tick.
TEST(requested_tick_counts)
{
    uint64_t start;

    begin();
    go_before(3);
    start = machine.now;
    for (int counts = 400; counts < TICK - 200; counts += 400) {
        machine.now = start + (uint64_t)counts * COUNT;
        check_time(false);
    }
}

// By less than a count from one time to the next.
TEST(new_start_while_it_looks)
{
    begin();
    for (int i = 0; i < 26 * COUNT; i += 7) {
        go_before(24);
        machine.now += i;
        check_time(false);
    }
}

static void check_late(int counts)
{
    begin();
    machine.late = counts * COUNT;
    go_before(20);
    for (int i = 0; i < 30; i++) {
        machine.now += 7 * COUNT;
        check_time(false);
    }
    for (int i = 0; i < 10; i++) {
        go_to(machine.now + COUNT);
        check_time(true);
    }
    begin();
}

TEST(late_request)
{
    check_late(1);
    check_late(25);
    check_late(120);
}

// A pause across the new start, at each moment when it may matter.
static void check_pause(bool enabled, int counts)
{
    int moments;

    begin();
    check_time(enabled);
    moments = machine.moments;
    for (int i = 0; i < moments; i++) {
        go_before(300);
        machine.pause_at = i;
        machine.pause    = (300 + counts) * COUNT;
        check_time(enabled);
        machine.pause_at = NEVER;
    }
}

TEST(new_start_between_two_instructions)
{
    check_pause(false, 2);
    check_pause(false, TICK / 4);
}

TEST(interrupt_between_two_instructions)
{
    check_pause(true, 2);
}

// The upper byte changes while the lower one is read.
TEST(two_bytes_of_one_count)
{
    begin();
    for (int i = 0; i < 30; i++) {
        go_before(0x1200 + i);
        check_time(false);
    }
}

TEST(time_goes_on_for_hours)
{
    begin();
    go_to(machine.now + 450000ul * TICK * COUNT);
    check_time(false);
    check_time(true);
}

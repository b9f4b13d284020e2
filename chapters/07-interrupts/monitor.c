// monitor.c: the kernel's prompt.

#include "monitor.h"

#include <stdbool.h>
#include <stddef.h>

#include "cpu.h"
#include "exceptions.h"
#include "faults.h"
#include "frames.h"
#include "input.h"
#include "interrupts.h"
#include "line.h"
#include "printf.h"
#include "regions.h"
#include "report.h"
#include "string.h"
#include "timer.h"
#include "trace.h"

struct command {
    const char *name;
    const char *argument;  // its name, or an empty string
    const char *what;
    void (*run)(const char *argument);
};

static void help(const char *argument);

static void uptime(const char *argument)
{
    uint64_t time = timer_uptime();

    (void)argument;
    printf("%lu.%03lu s, %lu ticks\n", time / 1000, time % 1000,
           timer_ticks());
}

static void mem(const char *argument)
{
    (void)argument;
    printf("%zu of %zu frames are free\n", frames_free(),
           frames_total());
    regions_print();
}

static void print_line_count(int line, const char *name)
{
    printf("%3d %-10s %lu\n", line, name, interrupt_count(line));
}

static void irqs(const char *argument)
{
    (void)argument;
    print_line_count(IRQ_TIMER, "timer");
    print_line_count(IRQ_KEYBOARD, "keyboard");
    print_line_count(IRQ_COM1, "COM1");
    printf("    %-10s %lu\n", "spurious", interrupts_spurious());
}

static void show(struct trap_frame *frame)
{
    report_registers(frame);
}

// A breakpoint's frame has all registers, as they are at one moment.
static void regs(const char *argument)
{
    (void)argument;
    exception_set_handler(EXC_BREAKPOINT, show);
    breakpoint();
    exception_set_handler(EXC_BREAKPOINT, NULL);
}

static void fault(const char *argument)
{
    if (!fault_raise(argument))
        faults_print();
}

// False: it is no number, or one of more than 64 bits.
static bool read_number(const char *text, uint64_t *number)
{
    *number = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++)
        if (*text < '0' || *text > '9' ||
            __builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, *text - '0', number))
            return false;
    return true;
}

static void trace_command(const char *argument)
{
    uint64_t count;

    if (!read_number(argument, &count) || count < 1 || count > 9999)
        printf("how many instructions?\n");
    else
        trace(count);
}

static const struct command commands[] = {
    {"help", "", "this list", help},
    {"uptime", "", "the time since the start", uptime},
    {"mem", "", "free memory, and what lies where", mem},
    {"irqs", "", "how often devices were heard", irqs},
    {"regs", "", "the registers, by a breakpoint", regs},
    {"fault", "NAME", "raise an exception", fault},
    {"trace", "N", "the next N instructions, one by one",
     trace_command},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void help(const char *argument)
{
    (void)argument;
    for (size_t i = 0; i < COMMANDS; i++)
        printf("%-6s %-5s %s\n", commands[i].name, commands[i].argument,
               commands[i].what);
}

// Cuts a line in two, at the first blank. Returns the second part
// without blanks around it, or an empty string.
static char *cut(char *line)
{
    char *end = line + strlen(line);

    while (end > line && end[-1] == ' ')
        *--end = '\0';
    while (*line != '\0' && *line != ' ')
        line++;
    while (*line == ' ')
        *line++ = '\0';
    return line;
}

static void run(const char *name, const char *argument)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0) {
            commands[i].run(argument);
            return;
        }
    printf("%s: no such command; try help\n", name);
}

static void tell_lost(void)
{
    uint64_t lost = input_lost();

    if (lost > 0)
        printf("%lu keys came too fast and are lost\n", lost);
}

void monitor_run(void)
{
    char line[LINE_MAX + 1];
    char *name;

    for (;;) {
        tell_lost();
        printf("kernel> ");
        line_read(line);
        name = line;
        while (*name == ' ')
            name++;
        if (*name != '\0') {
            char *rest = cut(name);

            run(name, rest);
        }
    }
}

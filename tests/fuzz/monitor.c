// monitor.c: any lines at the kernel's prompt. The model says which
// function a line has to call, and with what; the functions here only
// note it. Whatever has a limit is called within it.

#include "monitor.h"

#include <ctype.h>
#include <errno.h>

#include "exceptions.h"
#include "host/host.h"
#include "line.h"

#if CHAPTER >= 9
#include "threads.h"
#endif

enum { NOTES = 256 };

static struct bytes typed;
static char line[LINE_MAX + 1];
static char notes[NOTES];  // of what has been called
static exception_handler *breakpoint_handler;

static void note(const char *what, const char *argument)
{
    snprintf(notes, NOTES, "%s %s", what, argument);
}

static void note_number(const char *what, uint64_t number)
{
    snprintf(notes, NOTES, "%s %lu", what, number);
}

bool fault_raise(const char *name)
{
    note("fault", name);
    return strcmp(name, "divide") == 0;
}

void faults_print(void)
{
}

void trace(int instructions)
{
    CHECK(instructions >= 1 && instructions <= 9999);
    note_number("trace", instructions);
}

uint64_t timer_uptime(void)
{
    note("uptime", "");
    return 12345;
}

uint64_t timer_ticks(void)
{
    return 1;
}

size_t frames_free(void)
{
    note("mem", "");
    return 1;
}

size_t frames_total(void)
{
    return 2;
}

void regions_print(void)
{
}

uint64_t interrupt_count(int irq)
{
    CHECK(irq >= 0 && irq < 16);
    note("irqs", "");
    return 3;
}

uint64_t interrupts_spurious(void)
{
    return 0;
}

void report_registers(const struct trap_frame *frame)
{
    CHECK(frame);
    note("regs", "");
}

void exception_set_handler(enum exception vector,
                           exception_handler *handler)
{
    CHECK(vector == EXC_BREAKPOINT);
    breakpoint_handler = handler;
}

void breakpoint(void)
{
    struct trap_frame frame = {0};

    breakpoint_handler(&frame);
}

uint64_t input_lost(void)
{
    return 0;
}

#if CHAPTER >= 8
void heap_check(void)
{
}

void heap_print(void)
{
    note("heap", "");
}

void *kmalloc(size_t size)
{
    note_number("alloc", size);
    return size % 2 ? NULL : (void *)16;
}

void kfree(void *block)
{
    note_number("free", (uint64_t)block);
}
#endif

#if CHAPTER >= 9
bool demo_start(const char *name)
{
    note("start", name);
    return false;
}

void demos_print(void)
{
}

bool demo_stop(uint64_t id)
{
    note_number("stop", id);
    return false;
}

bool thread_describe(unsigned id, struct thread_info *info)
{
    note("ps", "");
    *info = (struct thread_info){"one", id, id % 4, id % 3, 5};
    return id < 12;
}

uint64_t threads_idle_ticks(void)
{
    return 0;
}
#endif

// False: it is no number of 64 bits in these digits.
static bool number_in(const char *text, int base, uint64_t *number)
{
    char *end;

    for (const char *c = text; *c; c++)
        if (!isdigit(*c) && !(base == 16 && *c >= 'a' && *c <= 'f'))
            return false;
    errno   = 0;
    *number = strtoull(text, &end, base);
    return *text && errno == 0;
}

// The line's first word, and what is behind it without blanks around.
static void split(char *name, char *argument)
{
    const char *start = line + strspn(line, " ");
    size_t length     = strcspn(start, " ");
    const char *rest  = start + length + strspn(start + length, " ");
    size_t left       = strlen(rest);

    memcpy(name, start, length);
    name[length] = '\0';
    while (left > 0 && rest[left - 1] == ' ')
        left--;
    memcpy(argument, rest, left);
    argument[left] = '\0';
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

// By chapter: commands without an argument, with any, with a number.
static const char *const bare[] = {"uptime", "mem", "irqs", "regs",
#if CHAPTER >= 8
                                   "heap",
#endif
#if CHAPTER >= 9
                                   "ps",
#endif
                                   NULL};
static const char *const with_text[] = {"fault",
#if CHAPTER >= 9
                                        "start",
#endif
                                        NULL};
static const char *const with_number[] = {"trace",
#if CHAPTER >= 8
                                          "alloc", "free",
#endif
#if CHAPTER >= 9
                                          "stop",
#endif
                                          NULL};

static void expect_number(const char *name, const char *argument,
                          char *wanted)
{
    bool is_block = strcmp(name, "free") == 0;
    uint64_t number;

    if (is_block && strncmp(argument, "0x", 2) != 0)
        return;
    if (!number_in(is_block ? argument + 2 : argument,
                   is_block ? 16 : 10, &number))
        return;
    if (strcmp(name, "trace") == 0 && (number < 1 || number > 9999))
        return;
    snprintf(wanted, NOTES, "%s %lu", name, number);
}

static bool is_known(const char *name)
{
    return is_one_of(name, bare) || is_one_of(name, with_text) ||
           is_one_of(name, with_number) || strcmp(name, "help") == 0;
}

// What the last line has led to.
static void check_line(void)
{
    char name[LINE_MAX + 1], argument[LINE_MAX + 1];
    char wanted[NOTES] = "", complaint[NOTES];

    split(name, argument);
    if (is_one_of(name, bare))
        snprintf(wanted, NOTES, "%s ", name);
    else if (is_one_of(name, with_text))
        snprintf(wanted, NOTES, "%s %s", name, argument);
    else if (is_one_of(name, with_number))
        expect_number(name, argument, wanted);
    CHECK(strcmp(notes, wanted) == 0);

    snprintf(complaint, NOTES,
             "%s: no such command; try help\nkernel> ", name);
    if (*name && !is_known(name))
        CHECK(strcmp(host_printed, complaint) == 0);
    else
        CHECK(!strstr(host_printed, "no such command"));
    if (!*name)
        CHECK(strcmp(host_printed, "kernel> ") == 0);
}

static size_t next_line(void)
{
    size_t length = 0;
    uint8_t byte;

    while (bytes_left(&typed) && length < LINE_MAX) {
        byte = take_byte(&typed);
        if (byte == '\n')
            break;
        line[length++] = ' ' + byte % ('~' - ' ' + 1);
        if (byte >= ' ' && byte <= '~')
            line[length - 1] = byte;
    }
    return length;
}

// In place of the line editor.
void line_read(char *buffer)
{
    check_line();
    if (!bytes_left(&typed))
        host_leave();
    line[next_line()] = '\0';
    memcpy(buffer, line, LINE_MAX + 1);
    host_clear();
    notes[0] = '\0';
}

static void run(void *argument)
{
#if CHAPTER >= 9
    monitor_run(argument);
#else
    (void)argument;
    monitor_run();
#endif
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    typed   = (struct bytes){data, data + size};
    line[0] = notes[0] = '\0';
    host_clear();
    CHECK(!host_run(run, NULL));
    return 0;
}

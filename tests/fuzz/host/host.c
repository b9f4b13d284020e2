// host.c: what stands for the machine below the kernel's files.

#include "host.h"

#include <setjmp.h>
#include <stdarg.h>

enum { PRINTED_MAX = 1 << 18, RFLAGS_IF = 1 << 9 };

uint64_t host_cr3, host_rflags = RFLAGS_IF;
char host_printed[PRINTED_MAX + 1];
size_t host_printed_length;

static jmp_buf end;

// Whatever a harness leaves behind is its own.
const char *__asan_default_options(void)
{
    return "detect_leaks=0:handle_abort=1";
}

const char *__ubsan_default_options(void)
{
    return "print_stacktrace=1";
}

void host_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    abort();
}

void host_leave(void)
{
    longjmp(end, 1);
}

void host_halt(void)
{
    host_leave();
}

bool host_run(void (*function)(void *argument), void *argument)
{
    if (setjmp(end))
        return false;
    function(argument);
    return true;
}

// For panic.c. A sentence, with nothing in it that is not there.
void panic_at(const char *file, int line, const char *format, ...)
{
    char said[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(said, sizeof(said), format, arguments);
    va_end(arguments);
    CHECK(file && line > 0 && strchr(said, ' '));
    CHECK(!strstr(said, "(null)"));
    host_leave();
}

// For console.c, in harnesses without it.
__attribute__((weak)) void console_putc(char c)
{
    CHECK(host_printed_length < PRINTED_MAX);
    host_printed[host_printed_length++] = c;
    host_printed[host_printed_length]   = '\0';
}

__attribute__((weak)) bool console_lock(void)
{
    return false;
}

__attribute__((weak)) void console_unlock(void)
{
    CHECK(!"unlocked without a lock");
}

void host_clear(void)
{
    host_printed_length = 0;
    host_printed[0]     = '\0';
}

size_t bytes_left(const struct bytes *bytes)
{
    return bytes->end - bytes->next;
}

uint8_t take_byte(struct bytes *bytes)
{
    return bytes_left(bytes) > 0 ? *bytes->next++ : 0;
}

uint64_t take_number(struct bytes *bytes, size_t size)
{
    uint64_t number = 0;

    for (size_t i = 0; i < size; i++)
        number |= (uint64_t)take_byte(bytes) << 8 * i;
    return number;
}

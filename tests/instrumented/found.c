// found.c: found.h says what.

#include "found.h"

#include <stdbool.h>
#include <stddef.h>

#include "com1.h"
#include "symbols.h"

void found(void)
{
    static bool telling;

    asm volatile("cli");
    if (telling)
        found_end();
    telling = true;
    say("\n# found: ");
}

void say(const char *text)
{
    put(text);
}

void say_number(uint64_t n)
{
    put_number(n, 10);
}

void say_hex(uint64_t n)
{
    put("0x");
    put_number(n, 16);
}

void say_code(const void *address)
{
    const struct symbol *symbol = symbol_find((uint64_t)address);

    say(symbol ? symbol->name : "no function");
    say("+");
    say_hex((uint64_t)address - (symbol ? symbol->address : 0));
}

void found_end(void)
{
    say("\n");
    leave(EXIT_FAIL);
}

// stack.c: what -fstack-protector asks for. A function keeps the guard
// between its arrays and its return address, and looks at it when it
// returns.

#include "found.h"

// Not one that a program writes by chance; its 0 stops a string.
uint64_t __stack_chk_guard = 0x5afe57acc0de0a00;

_Noreturn void __stack_chk_fail(void);

void __stack_chk_fail(void)
{
    found();
    say("behind an array on the stack of ");
    say_code(__builtin_return_address(0));
    found_end();
}

// backtrace.c: a function begins with push rbp and mov rbp, rsp. So
// rbp points to the caller's rbp, that to the caller's caller's, and a
// return address lies above each of them:
//
//              return address into c
//      +-----> rbp of c -----> 0
//      |       ...
//      |       return address into b
//      +------ rbp of b <------ rbp
//
// System V ABI, AMD64 supplement, "The Stack Frame". A function that is
// interrupted before it has made its link hides the one that called it;
// so does one that makes none, because it calls nothing.

#include "backtrace.h"

#include <stdbool.h>

#include "printf.h"
#include "probe.h"
#include "symbols.h"

enum { CALLS_MAX = 9 };

// The call lies before the address it returns to, which may already be
// the start of another function.
static void print_caller(uint64_t return_address)
{
    printf("  ");
    symbol_print(symbol_find(return_address - 1), return_address);
}

// The rip of a call to nowhere says nothing. The caller is not in the
// chain yet, but its return address has just been pushed.
static void print_start(const struct trap_frame *frame)
{
    const struct symbol *symbol = symbol_find(frame->rip);
    const void *top             = (const void *)frame->rsp;
    uint64_t return_address;

    printf("  ");
    symbol_print(symbol, frame->rip);
    if (!symbol && probe_read(top, &return_address))
        print_caller(return_address);
}

// The stack grows down: callers lie above, and so the chain has an end.
static bool read_link(uint64_t rbp, uint64_t below, uint64_t *next,
                      uint64_t *return_address)
{
    const uint64_t *link = (const uint64_t *)rbp;

    return rbp > below && rbp % sizeof(*link) == 0 &&
           probe_read(link, next) &&
           probe_read(link + 1, return_address);
}

void backtrace(const struct trap_frame *frame)
{
    uint64_t below = 0, rbp = frame->rbp, next, return_address;

    print_start(frame);
    for (int calls = 0; rbp != 0; calls++) {
        if (calls == CALLS_MAX) {
            printf("  ...\n");
            break;
        }
        if (!read_link(rbp, below, &next, &return_address)) {
            printf("  no way on from rbp %016lx\n", rbp);
            break;
        }
        print_caller(return_address);
        below = rbp;
        rbp   = next;
    }
}

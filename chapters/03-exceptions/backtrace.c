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
// interrupted before it has made its link hides the one that called it.

#include "backtrace.h"

#include <stdbool.h>

#include "printf.h"
#include "probe.h"
#include "symbols.h"

enum { CALLS = 10 };  // at most

static void print_place(uint64_t address, const struct symbol *symbol)
{
    printf("  %016lx", address);
    if (symbol)
        printf(" %s+0x%lx", symbol->name, address - symbol->address);
    printf("\n");
}

// The call lies before the address it returns to, which may already be
// the start of another function.
static void print_caller(uint64_t return_address)
{
    print_place(return_address, symbol_find(return_address - 1));
}

// The rip of a call to nowhere says nothing. The caller is not in the
// chain yet, but its return address has just been pushed.
static void print_start(const struct trap_frame *frame)
{
    const struct symbol *symbol = symbol_find(frame->rip);
    const void *top             = (const void *)frame->rsp;
    uint64_t return_address;

    print_place(frame->rip, symbol);
    if (!symbol && probe_read(top, &return_address))
        print_caller(return_address);
}

// The stack grows down: callers lie above, and the chain has an end.
static bool is_link(uint64_t rbp, uint64_t below)
{
    return rbp > below && rbp % sizeof(uint64_t) == 0;
}

void backtrace(const struct trap_frame *frame)
{
    uint64_t rbp = frame->rbp, below = 0, return_address;

    print_start(frame);
    for (int call = 0; rbp != 0 && call < CALLS; call++) {
        const uint64_t *link = (const uint64_t *)rbp;

        if (!is_link(rbp, below) || !probe_read(link, &rbp) ||
            !probe_read(link + 1, &return_address)) {
            printf("  no way on from rbp %016lx\n", (uint64_t)link);
            break;
        }
        print_caller(return_address);
        below = (uint64_t)link;
    }
}

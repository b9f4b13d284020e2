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

enum { LINES_MAX = 9 };

// A way up the stack: where it stands, and the call it has found last.
struct walk {
    uint64_t below, rbp;
    uint64_t return_address;
};

// The call lies before the address it returns to, which may already be
// the start of another function.
static void print_caller(uint64_t return_address, int times)
{
    printf("  ");
    symbol_write(symbol_find(return_address - 1), return_address);
    if (times > 1)
        printf(", %d times", times);
    printf("\n");
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
        print_caller(return_address, 1);
}

// Goes on to the next caller. The stack grows down: callers lie above,
// and so the chain has an end. False: it ends here, or is broken.
static bool next_call(struct walk *walk)
{
    const uint64_t *link = (const uint64_t *)walk->rbp;
    uint64_t next;

    if (walk->rbp <= walk->below || walk->rbp % sizeof(*link) != 0 ||
        !probe_read(link, &next) ||
        !probe_read(link + 1, &walk->return_address))
        return false;
    walk->below = walk->rbp;
    walk->rbp   = next;
    return walk->return_address != 0;  // where a thread has begun
}

// Goes past the calls that return to where the last one does. Returns
// how many there are, with it.
static int skip_same(struct walk *walk)
{
    struct walk ahead = *walk;
    int count         = 1;

    while (next_call(&ahead) &&
           ahead.return_address == walk->return_address) {
        *walk = ahead;
        count++;
    }
    return count;
}

// Goes to the end. Returns how many calls there are, with the last one.
static int skip_all(struct walk *walk)
{
    int count = 1;

    while (next_call(walk))
        count++;
    return count;
}

void backtrace(const struct trap_frame *frame)
{
    struct walk walk = {.rbp = frame->rbp};

    print_start(frame);
    for (int lines = 0; next_call(&walk); lines++) {
        if (lines == LINES_MAX) {
            printf("  ... and %d more\n", skip_all(&walk));
            return;
        }
        print_caller(walk.return_address, skip_same(&walk));
    }
    if (walk.rbp != 0)
        printf("  no way on from rbp %016lx\n", walk.rbp);
}

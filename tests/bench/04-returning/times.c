// times.c: what it takes to save registers and to restore them, in time:
// fxsave is one instruction, and not a short one. QEMU's time, that is.
// Clock: real
// QEMU: -cpu max

#include "../rdtsc.h"
#include "stubs.h"

enum { TIMES = 20000, ROUNDS = 5 };

void save_general(void);
void save_sse(void);
void save_avx(void);

// clang-format off
asm(".pushsection .text\n"
    "save_general:\n"
    PUSH
    POP
    "ret\n"

    "save_sse:\n"
    "fxsave sse_state(%rip)\n"
    "fxrstor sse_state(%rip)\n"
    "ret\n"

    "save_avx:\n"
    "mov $7, %eax\n"
    "xor %edx, %edx\n"
    "xsave sse_state(%rip)\n"
    "xrstor sse_state(%rip)\n"
    "ret\n"
    ".popsection\n");
// clang-format on

// The shortest of some rounds.
static uint64_t time_of(void (*save)(void))
{
    uint64_t best = UINT64_MAX;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = rdtsc(), time;

        for (int i = 0; i < TIMES; i++)
            save();
        time = rdtsc() - start;
        best = time < best ? time : best;
    }
    return best;
}

TEST(times)
{
    uint64_t general;

    allow_sse_and_xsave();
    general = time_of(save_general);
    ktap_value("fxsave_time_in_qemu", 100 * time_of(save_sse) / general,
               "percent");
    ktap_value("xsave_time_in_qemu", 100 * time_of(save_avx) / general,
               "percent");
}

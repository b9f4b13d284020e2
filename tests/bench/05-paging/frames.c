// frames.c: what frames and page tables cost, in instructions.

#include "../rdtsc.h"
#include "ktap.h"

#include "frames.h"
#include "paging.h"

enum { ROUNDS = 100 };

static uint64_t overhead(void)
{
    uint64_t start = rdtsc();

    return rdtsc() - start;
}

// The first time, and when the list of free frames has some.
TEST(allocate)
{
    uint64_t start, fresh, listed, freed;
    phys_addr frame;

    frame_alloc();
    start = rdtsc();
    frame = frame_alloc();
    fresh = rdtsc() - start - overhead();
    start = rdtsc();
    frame_free(frame);
    freed  = rdtsc() - start - overhead();
    start  = rdtsc();
    frame  = frame_alloc();
    listed = rdtsc() - start - overhead();
    ktap_value("frame_alloc_fresh", fresh, "instructions");
    ktap_value("frame_alloc", listed, "instructions");
    ktap_value("frame_free", freed, "instructions");
}

// Every 512th time the direct map grows.
TEST(allocate_at_worst)
{
    uint64_t worst = 0;

    for (int i = 0; i < 1024; i++) {
        uint64_t start = rdtsc(), time;

        frame_alloc();
        time  = rdtsc() - start - overhead();
        worst = time > worst ? time : worst;
    }
    ktap_value("frame_alloc_worst", worst, "instructions");
}

// Next to pages that are there: no table is missing.
TEST(map_and_unmap)
{
    phys_addr frame = frame_alloc();
    uint64_t start, mapped, unmapped;

    page_map(&kernel_space, DEMAND_ZERO, frame, PAGE_WRITABLE);
    start = rdtsc();
    page_map(&kernel_space, DEMAND_ZERO + PAGE_SIZE, frame,
             PAGE_WRITABLE);
    mapped = rdtsc() - start - overhead();
    start  = rdtsc();
    page_unmap(&kernel_space, DEMAND_ZERO + PAGE_SIZE);
    unmapped = rdtsc() - start - overhead();
    ktap_value("page_map", mapped, "instructions");
    ktap_value("page_unmap", unmapped, "instructions");
    page_unmap(&kernel_space, DEMAND_ZERO);
}

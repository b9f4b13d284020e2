// frames.h: physical memory, in frames of PAGE_SIZE bytes. Interrupts
// have to be disabled wherever a frame is taken or given back, also for
// a page table.

#pragma once

#include "memory.h"
#include "ranges.h"

#define NO_FRAME ((phys_addr)0)  // frame 0 is never handed out

// Takes over all memory in the set, which stays in use: whole pages,
// none of them in the first MiB. Panics if there is too little.
void frames_init(struct range_set *usable);

// Returns the address of a frame that nobody else has, to be reached
// through the direct map. It holds anything. NO_FRAME: none is left.
phys_addr frame_alloc(void);

// Gives a frame back. Panics if it is none that frame_alloc returned,
// or has been given back before.
void frame_free(phys_addr frame);

// How many frames there are to be had, and how many there ever were.
size_t frames_free(void);
size_t frames_total(void);

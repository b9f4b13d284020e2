// taken.h: frames by the thousand, kept as a list through their first
// words.

#pragma once

#include "ktap.h"

#include "frames.h"

static phys_addr taken;  // the last one, or NO_FRAME

static phys_addr *taken_next(phys_addr frame)
{
    return direct_map(frame);
}

// Takes frames until so many are left.
static void take_all_but(size_t left)
{
    while (frames_free() > left) {
        phys_addr frame = frame_alloc();

        if (!CHECK(frame != NO_FRAME))
            return;
        *taken_next(frame) = taken;
        taken              = frame;
    }
}

static void give_back(void)
{
    while (taken != NO_FRAME) {
        phys_addr frame = taken;

        taken = *taken_next(frame);
        frame_free(frame);
    }
}

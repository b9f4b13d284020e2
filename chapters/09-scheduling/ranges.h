// ranges.h: sets of numbers, such as addresses, kept as ranges.

#pragma once

#include <stddef.h>
#include <stdint.h>

struct range {
    uint64_t start, end;  // end is the first number behind it
};

enum { RANGES_MAX = 128 };

// The ranges are sorted, not empty, and apart from each other.
struct range_set {
    struct range ranges[RANGES_MAX];
    size_t count;
    uint64_t lost;  // numbers left out because there was no room
};

// An empty range changes nothing. Where a set would need more than
// RANGES_MAX ranges, a new one is left out: a set never holds a number
// it should not.
void range_add(struct range_set *set, uint64_t start, uint64_t end);
void range_remove(struct range_set *set, uint64_t start, uint64_t end);

// How many numbers there are in the set.
uint64_t range_total(const struct range_set *set);

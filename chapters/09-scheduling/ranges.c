// ranges.c: sets of numbers, kept as ranges.

#include "ranges.h"

#include "string.h"

static void take_out(struct range_set *set, size_t at)
{
    struct range *ranges = set->ranges;

    set->count--;
    memmove(&ranges[at], &ranges[at + 1],
            (set->count - at) * sizeof(*ranges));
}

static void insert(struct range_set *set, uint64_t start, uint64_t end)
{
    struct range *ranges = set->ranges;
    size_t at            = 0;

    if (set->count == RANGES_MAX) {
        set->lost += end - start;
        return;
    }
    while (at < set->count && ranges[at].start < start)
        at++;
    memmove(&ranges[at + 1], &ranges[at],
            (set->count - at) * sizeof(*ranges));
    ranges[at] = (struct range){start, end};
    set->count++;
}

// Takes out each range that is touched and puts back what is left of
// it. Those are not touched, and so the loop ends.
void range_remove(struct range_set *set, uint64_t start, uint64_t end)
{
    size_t i = 0;

    while (i < set->count) {
        struct range old = set->ranges[i];

        if (start >= end || old.end <= start || end <= old.start) {
            i++;
            continue;
        }
        take_out(set, i);
        if (old.start < start)
            insert(set, old.start, start);
        if (end < old.end)
            insert(set, end, old.end);
    }
}

// The ranges that meet the new one become a part of it.
void range_add(struct range_set *set, uint64_t start, uint64_t end)
{
    if (start >= end)
        return;
    for (size_t i = 0; i < set->count; i++) {
        struct range old = set->ranges[i];

        if (old.end < start || end < old.start)
            continue;
        start = old.start < start ? old.start : start;
        end   = old.end > end ? old.end : end;
    }
    range_remove(set, start, end);
    insert(set, start, end);
}

uint64_t range_total(const struct range_set *set)
{
    uint64_t total = 0;

    for (size_t i = 0; i < set->count; i++)
        total += set->ranges[i].end - set->ranges[i].start;
    return total;
}

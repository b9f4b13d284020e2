// buffer.h: from threads that make something to threads that use it. A
// bounded buffer: who is too fast waits.

#pragma once

#include "condition.h"

struct buffer {
    void **items;
    size_t size, put, taken;  // put, taken: how many, ever
    struct mutex mutex;
    struct condition not_full, not_empty;
};

// For so many items, at least one. False: there is not enough memory.
bool buffer_init(struct buffer *buffer, size_t size);

// Gives the memory back. Nobody may be waiting.
void buffer_destroy(struct buffer *buffer);

// Adds an item, as soon as there is room.
void buffer_put(struct buffer *buffer, void *item);

// Returns the oldest item, as soon as there is one.
void *buffer_get(struct buffer *buffer);

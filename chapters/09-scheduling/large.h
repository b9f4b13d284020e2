// large.h: large blocks. They are of whole pages, with at least one
// page between two of them that is never mapped.

#pragma once

#include <stddef.h>

// Returns a block of at least so many bytes, not 0. Null: there are not
// enough frames.
void *large_alloc(size_t size);

// Gives a block back. Panics if it is none, or is free.
void large_free(void *block);

// Returns how many bytes a block has. Panics if it is none, or is free.
size_t large_block_size(const void *block);

// Prints how many there are, if any.
void large_print(void);

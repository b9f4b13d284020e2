// heap_debug.h: in a kernel made with DEBUG=heap, what tells a block
// that is used wrongly from one that is not.
//
//      | what was asked for | red zone ... | note |     in use
//      | poison ........................... | note |     free

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef DEBUG_HEAP
enum { HEAP_DEBUG = 1 };
#else
enum { HEAP_DEBUG = 0 };
#endif

// Bytes at the end of each block for the note and some red zone.
enum { HEAP_DEBUG_MARGIN = HEAP_DEBUG ? 32 : 0 };

// All of them get the block and its size with the margin. A new block
// is free. Panics if one was written to where nobody should have; the
// caller is whom the kernel names then.
void heap_debug_new(void *block, size_t size);
void heap_debug_allocated(void *block, size_t size, size_t asked,
                          const void *caller);
void heap_debug_freed(void *block, size_t size, const void *caller);
void heap_debug_check(void *block, size_t size, bool is_free);

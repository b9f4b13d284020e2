// heap.h: memory in pieces of any size.
//
// A block is at a multiple of 16 bytes, and holds anything. One of
// PAGE_SIZE bytes or more is at a page of its own, and no page is
// mapped right before it and behind it. Blocks may be allocated and
// freed anywhere, also in handlers of interrupts; those of many pages
// take their time there. A wrong use is a panic that names the block:
// freeing what is no block, or is free already; in a kernel made with
// DEBUG=heap also writing behind the end of a block, or to one that is
// free.

#pragma once

#include <stddef.h>
#include <stdint.h>

// Returns a block of at least so many bytes, of which 0 is one too.
// Null: there is not enough memory.
void *kmalloc(size_t size);

// The same for an array, all zeros. Null also if count * size is more
// than a size_t can say.
void *kcalloc(size_t count, size_t size);

// Changes a block's size. The bytes stay what they are, up to the
// lesser size, but the block may be another one then. Of null it makes
// a new block. Null: there is not enough memory, and the block is as
// before.
void *krealloc(void *block, size_t size);

// Gives a block back. Nothing happens to null.
void kfree(void *block);

// Gives back the frames that are kept for later. Returns how many.
size_t heap_trim(void);

// Looks for writes to where nobody should write, in all small blocks.
// Panics if there are any. Does something only with DEBUG=heap.
void heap_check(void);

// Prints what the heap is made of.
void heap_print(void);

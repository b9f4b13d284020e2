// memory.h: the kernel's address space, from its upper end down.
//
//      0xffffffff80000000  KERNEL_BASE   the kernel, up to 2 GiB;
//                                        kernel.ld
//      0xffffd00000000000  LARGE_BLOCKS  28 TiB for blocks of the heap
//                                        that take pages; large.c
//      0xffffc00000000000  DEMAND_ZERO   64 GiB of memory, each page of
//                                        which is there when it is
//                                        touched; page_fault.c
//      0xffff800000000000  DIRECT_MAP    512 GiB of physical memory;
//                                        direct_map.c
//      0x0000000000000000                nothing: left to programs

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t phys_addr;
typedef uint64_t virt_addr;

enum {
    PAGE_SIZE       = 4096,
    LARGE_PAGE_SIZE = 2 * 1024 * 1024,
    LOW_MEMORY      = 1024 * 1024,  // the first MiB is the firmware's
};

#define KERNEL_BASE      0xffffffff80000000ul  // boot.asm, kernel.ld
#define DIRECT_MAP       0xffff800000000000ul  // boot.asm
#define DIRECT_MAP_SIZE  (512ul << 30)
#define DEMAND_ZERO      0xffffc00000000000ul
#define DEMAND_ZERO_SIZE (64ul << 30)

#define LARGE_BLOCKS      0xffffd00000000000ul
#define LARGE_BLOCKS_SIZE (28ul << 40)

struct boot_info;

static inline uint64_t align_down(uint64_t value, uint64_t to)
{
    return value & ~(to - 1);
}

// align_up(5, 8) is 8. To a power of 2.
static inline uint64_t align_up(uint64_t value, uint64_t to)
{
    return align_down(value + to - 1, to);
}

// Where physical memory can be accessed.
static inline void *direct_map(phys_addr address)
{
    return (void *)(DIRECT_MAP + address);
}

// The other way round.
static inline phys_addr direct_map_address(const void *pointer)
{
    return (virt_addr)pointer - DIRECT_MAP;
}

// Where the kernel's image, its .bss included, lies in physical memory.
static inline phys_addr image_address(const void *address)
{
    return (virt_addr)address - KERNEL_BASE;
}

// Finds out what memory there is and moves into an address space in
// which each part of the kernel has the rights it needs, and no more.
// Panics if there is too little memory.
void memory_init(const struct boot_info *info);

// memory.c: as much address space as the direct map has; the host gives
// memory to what is touched.

#include "memory.h"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include "host.h"

enum { PAGE = 4096 };

static const size_t size = 512ul << 30;

static void map(void)
{
    void *wanted = (void *)HOST_DIRECT_MAP;
    int flags    = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
                MAP_FIXED_NOREPLACE;

    CHECK(mmap(wanted, size, PROT_READ | PROT_WRITE, flags, -1, 0) ==
          wanted);
    CHECK(madvise(wanted, size, MADV_NOHUGEPAGE) == 0);
}

void *host_memory(uint64_t address)
{
    static bool mapped;

    if (!mapped)
        map();
    mapped = true;
    return (void *)(HOST_DIRECT_MAP + address);
}

void host_forget(void)
{
    CHECK(madvise(host_memory(0), size, MADV_DONTNEED) == 0);
}

void host_only(uint64_t address, size_t bytes)
{
    uint8_t *start = host_memory(address), *end = start + bytes;

    ASAN_POISON_MEMORY_REGION(start - address % PAGE, address % PAGE);
    ASAN_POISON_MEMORY_REGION(end, -(uint64_t)end % PAGE);
}

void host_all(uint64_t address, size_t bytes)
{
    uint8_t *start = host_memory(address), *end = start + bytes;

    ASAN_UNPOISON_MEMORY_REGION(start - address % PAGE, address % PAGE);
    ASAN_UNPOISON_MEMORY_REGION(end, -(uint64_t)end % PAGE);
}

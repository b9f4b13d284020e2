// zero_length.c: a tag without length: the next one is itself.
// Panic: boot information at 0x[0-9a-f]+: tag 1 has 0 bytes

#include "../open.h"

#include "boot_info.h"

static const _Alignas(8) uint32_t info[] = {24, 0, 1, 0, 0, 8};

TEST(panics)
{
    open_console();
    boot_info_find((const struct boot_info *)info, 7);
}

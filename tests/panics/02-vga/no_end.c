// no_end.c: the boot information ends without an end tag.
// Panic: boot information at 0x[0-9a-f]+: no end in 24 bytes

#include "../open.h"

#include "boot_info.h"

static const _Alignas(8) uint32_t info[] = {24, 0, 1, 16, 0, 0};

TEST(panics)
{
    open_console();
    boot_info_find((const struct boot_info *)info, 7);
}

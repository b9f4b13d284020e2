// past_the_end.c: a tag is longer than what is left.
// Panic: boot information at 0x[0-9a-f]+: tag 1 has 25 bytes

#include "../open.h"

#include "boot_info.h"

static const _Alignas(8) uint32_t info[] = {32, 0, 1, 25, 0, 0, 0, 8};

TEST(panics)
{
    open_console();
    boot_info_find((const struct boot_info *)info, 7);
}

// quiet.h: a console, and interrupts that are enabled in threads, but
// of no device yet.

#pragma once

#include "../open.h"

#include <stddef.h>

#include "idt.h"
#include "interrupts.h"

static inline void open_quietly(void)
{
    open_console();
    idt_init();
    interrupts_init();
}

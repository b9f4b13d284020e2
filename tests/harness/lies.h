// lies.h: a kernel that says that its only test, lie, passed.

#pragma once

#include "ktap.h"

static inline void say_ok(void)
{
    for (const char *c = "ok 1 lie\n"; *c != '\0'; c++)
        asm volatile("outb %0, %1" : : "a"(*c), "Nd"((uint16_t)0x3f8));
}

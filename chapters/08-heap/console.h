// console.h: where the kernel's words go: to each sink that was added.

#pragma once

typedef void console_sink(char c);

void console_add_sink(console_sink *sink);
void console_putc(char c);

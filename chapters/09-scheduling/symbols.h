// symbols.h: the names of the kernel's functions and labels.

#pragma once

#include <stdint.h>

struct symbol {
    uint64_t address;
    const char *name;
};

// Returns the symbol the address belongs to, the last one that is not
// above it. Null if it is no address of the kernel's code.
const struct symbol *symbol_find(uint64_t address);

// Prints an address and, unless the symbol is null, what it is to the
// symbol: "0000000000101234 kernel_main+0x34".
void symbol_print(const struct symbol *symbol, uint64_t address);

// The same without a newline.
void symbol_write(const struct symbol *symbol, uint64_t address);

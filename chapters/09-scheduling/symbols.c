// symbols.c: a table built into the kernel. The loader could hand over
// the symbols of the ELF file as well, in memory of its own. But a
// report is needed most when memory is no longer what it was, and the
// table in .rodata is the least that can be trusted.

#include "symbols.h"

#include <stddef.h>

#include "printf.h"

// kernel.ld. The table is sorted by address; common/symbols.awk.
extern const struct symbol symbols_start[], symbols_end[];
extern const char text_start[], text_end[];

const struct symbol *symbol_find(uint64_t address)
{
    const struct symbol *found = NULL;

    if (address < (uint64_t)text_start || address >= (uint64_t)text_end)
        return NULL;
    for (const struct symbol *symbol = symbols_start;
         symbol < symbols_end && symbol->address <= address; symbol++)
        found = symbol;
    return found;
}

void symbol_write(const struct symbol *symbol, uint64_t address)
{
    printf("%016lx", address);
    if (symbol)
        printf(" %s+0x%lx", symbol->name, address - symbol->address);
}

void symbol_print(const struct symbol *symbol, uint64_t address)
{
    symbol_write(symbol, address);
    printf("\n");
}

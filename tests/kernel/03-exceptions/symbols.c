// symbols.c: the table that was linked into this very kernel.

#include "captured.h"

#include "exceptions.h"
#include "symbols.h"

extern const char text_end[];
extern const uint64_t isr_table[];

static bool is(uint64_t address, const char *name, uint64_t offset)
{
    const struct symbol *symbol = symbol_find(address);

    return symbol && strcmp(symbol->name, name) == 0 &&
           address - symbol->address == offset;
}

TEST(functions_are_found)
{
    CHECK(is((uint64_t)symbol_find, "symbol_find", 0));
    CHECK(is((uint64_t)symbol_find + 1, "symbol_find", 1));
    CHECK(!is((uint64_t)symbol_find - 1, "symbol_find", -1));
    CHECK(is((uint64_t)exception_name, "exception_name", 0));
}

TEST(static_functions_and_labels_are_found)
{
    CHECK(is((uint64_t)is, "is", 0));
    CHECK(is(isr_table[0], "isr_0", 0));
}

TEST(what_is_not_code_is_not_found)
{
    static int data;

    CHECK_EQ(symbol_find(0), NULL);
    CHECK_EQ(symbol_find(1), NULL);
    CHECK_EQ(symbol_find((uint64_t)text_end), NULL);
    CHECK_EQ(symbol_find((uint64_t)&data), NULL);
    CHECK_EQ(symbol_find(~0ul), NULL);
    CHECK(symbol_find((uint64_t)text_end - 1));
}

TEST(symbols_are_printed)
{
    const struct symbol symbol = {0x1000, "name"};

    captured_start();
    symbol_print(&symbol, 0x1234);
    symbol_print(NULL, 0x42);
    CHECK_EQ(strcmp(captured.text, "0000000000001234 name+0x234\n"
                                   "0000000000000042\n"),
             0);
}

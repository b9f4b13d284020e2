// check.c: stacks made up, with the return addresses of calls of every
// kind in them.

#include "03-exceptions/captured.h"

#include "backtrace.h"
#include "exceptions.h"
#include "printf.h"
#include "symbols.h"

enum { WORDS = 64, BAD = 8 };

extern const char stack_guard[];
extern const char behind_near[], behind_register[], behind_r11[];
extern const char behind_memory[], behind_displaced[], behind_stack[];
extern const char behind_far_off[], behind_table[], not_behind[];

// The bytes before not_behind are no call, however one looks at them.
asm(".pushsection .text\n"
    "calls_of_check:\n"
    "call calls_of_check\n"
    "behind_near: call *%rax\n"
    "behind_register: call *%r11\n"
    "behind_r11: call *(%rbx)\n"
    "behind_memory: call *8(%rbx)\n"
    "behind_displaced: call *8(%rsp)\n"
    "behind_stack: call *0x100(%rbx)\n"
    "behind_far_off: call *0x1234(,%rax,8)\n"
    "behind_table: jmp *%rax\n"
    "push 8(%rax)\n"
    "incl (%rax)\n"
    ".fill 16, 1, 0x90\n"
    "not_behind: nop\n"
    ".fill 16, 1, 0x90\n"
    ".popsection\n");

static uint64_t stack[WORDS + 8];
static struct trap_frame frame;

static void new_stack(void)
{
    memset(stack, 0, sizeof(stack));
    frame = (struct trap_frame){
        .rip = (uint64_t)backtrace,
        .rbp = BAD,
        .rsp = (uint64_t)stack,
    };
}

static int marks(void)
{
    int count = 0;

    for (size_t i = 0; i + 1 < captured.length; i++)
        count += captured.text[i] == '?' && captured.text[i + 1] == ' ';
    return count;
}

// Runs backtrace; how many candidates it shows.
static int candidates(void)
{
    captured_start();
    backtrace(&frame);
    return marks();
}

static void append(char *text, size_t size, const void *address)
{
    const struct symbol *symbol = symbol_find((uint64_t)address - 1);
    size_t length               = strlen(text);

    snprintf(text + length, size - length, "  ? %016lx %s+0x%lx\n",
             (uint64_t)address, symbol->name,
             (uint64_t)address - symbol->address);
}

static void check_all(const char *const *addresses, int count)
{
    char text[1024] = "\n  no way on from rbp 0000000000000008\n";

    new_stack();
    for (int i = 0; i < count; i++) {
        stack[3 * i] = (uint64_t)addresses[i];
        append(text, sizeof(text), addresses[i]);
    }
    CHECK_EQ(candidates(), count);
    ktap_check(
        contains(captured.text, text), "backtrace", count,
        "below \"no way on\" the calls on the stack are missing, "
        "or not in their order");
}

static const char *const addresses[] = {
    behind_near,      behind_register, behind_r11,     behind_memory,
    behind_displaced, behind_stack,    behind_far_off, behind_table,
};

enum { ADDRESSES = sizeof(addresses) / sizeof(addresses[0]) };

TEST(return_address_is_shown)
{
    check_all(addresses, 1);
}

TEST(calls_of_every_kind)
{
    for (int i = 0; i < ADDRESSES; i++)
        check_all(addresses + i, 1);
    check_all(addresses, ADDRESSES);
}

TEST(other_addresses_are_not_shown)
{
    new_stack();
    stack[0] = (uint64_t)not_behind;
    stack[1] = (uint64_t)stack;
    stack[2] = ~0ul;
    stack[3] = 1ul << 63;
    stack[4] = (uint64_t)behind_near | 1ul << 32;
    stack[5] = 1;
    CHECK_EQ(candidates(), 0);
    stack[6] = (uint64_t)behind_near;
    CHECK_EQ(candidates(), 1);
}

TEST(words_are_64)
{
    new_stack();
    stack[WORDS] = (uint64_t)behind_near;
    CHECK_EQ(candidates(), 0);
    stack[WORDS - 1] = (uint64_t)behind_near;
    CHECK_EQ(candidates(), 1);
}

TEST(candidates_are_nine)
{
    new_stack();
    for (int i = 0; i < WORDS; i++)
        stack[i] = (uint64_t)behind_near;
    CHECK_EQ(candidates(), 9);
    CHECK(fits_screen(captured.text));
}

// Two links, and one that leads nowhere.
TEST(search_begins_behind_the_chain)
{
    new_stack();
    stack[0]  = (uint64_t)behind_table;
    stack[4]  = (uint64_t)&stack[10];
    stack[5]  = (uint64_t)behind_near;
    stack[8]  = (uint64_t)behind_table;
    stack[10] = BAD;
    stack[11] = (uint64_t)behind_near;
    stack[12] = (uint64_t)behind_memory;
    frame.rbp = (uint64_t)&stack[4];
    CHECK_EQ(candidates(), 1);
    for (int i = 12; i < WORDS; i++)
        stack[i] = (uint64_t)behind_memory;
    CHECK_EQ(candidates(), 7);
}

TEST(whole_chain_is_as_before)
{
    new_stack();
    stack[0]  = (uint64_t)behind_near;
    frame.rbp = 0;
    CHECK_EQ(candidates(), 0);
    stack[4]  = 0;
    stack[5]  = (uint64_t)behind_near;
    frame.rbp = (uint64_t)&stack[4];
    CHECK_EQ(candidates(), 0);
    CHECK(!contains(captured.text, "no way on"));
}

TEST(no_stack_does_harm)
{
    static const uint64_t bad[] = {
        0, 8, 0x7ffffffffff8, 0x800000000000, 1ul << 63, -8ul, -1ul,
    };

    new_stack();
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        frame.rsp = bad[i];
        CHECK_EQ(candidates(), 0);
        CHECK(contains(captured.text, "\n  no way on from rbp "));
    }
    frame.rsp = (uint64_t)stack_guard - 16;
    candidates();
    frame.rsp = (uint64_t)stack + 8 * 3 + 1;
    memcpy((char *)frame.rsp + 16, &addresses[0], 8);
    CHECK_EQ(candidates(), 1);
}
